"""The facts of a model where it lies, near or far, before a byte of its weights is fetched."""

from __future__ import annotations

from stoker.core.model import ModelFacts
from stoker.models.download.client import HttpClient
from stoker.models.download.limits import DownloadLimits
from stoker.models.remote_facts import Headers, remote_headers
from stoker.models.sources.base import Offer
from stoker.models.sources.opening import source_for
from stoker.models.sources.reference import Reference

# A person waits for a look, and can look again: less patience than for gigabytes.
LIMITS = DownloadLimits(head_s=10.0, small_s=30.0, tries=2)


async def look_at(reference: Reference) -> tuple[ModelFacts, str]:
    """What `reference` names, and the same reference pinned to what was found.

    Raises:
        SourceError: it cannot be reached, denies, or is not safe to follow.
        InvalidSourceError, SeveralFilesError: there is no model, or more than one.
        ModelFileError: what lies there is no model.
    """
    headers, offer = await look_closely(reference)
    return headers.facts, offer.source


async def look_closely(reference: Reference) -> tuple[Headers, Offer]:
    """The headers of what `reference` names, and what else its source said; as `look_at`."""
    async with HttpClient(limits=LIMITS) as client:
        offer = await source_for(reference).resolve(client)
        return await remote_headers(offer, client), offer
