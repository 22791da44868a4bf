"""The facts of a model where it lies, near or far, before a byte of its weights is fetched."""

from __future__ import annotations

from stoker.core.model import ModelFacts
from stoker.models.download.client import HttpClient
from stoker.models.download.limits import DownloadLimits
from stoker.models.looking.remote_checkpoint import checkpoint_facts
from stoker.models.looking.remote_facts import Headers, remote_facts, remote_headers
from stoker.models.sources.base import Checkpoint, Offer
from stoker.models.sources.hub import HubSource, explained
from stoker.models.sources.opening import source_for
from stoker.models.sources.reference import HubReference, Reference

# A person waits for a look, and can look again: less patience than for gigabytes.
LIMITS = DownloadLimits(head_s=10.0, small_s=30.0, tries=2)


async def look_at(reference: Reference) -> tuple[ModelFacts, str]:
    """What `reference` names, and the same reference pinned to what was found.

    Raises:
        SourceError: it cannot be reached, denies, or is not safe to follow.
        InvalidSourceError, SeveralFilesError: there is no model, or more than one.
        ModelFileError: what lies there is no model.
    """
    async with HttpClient(limits=LIMITS) as client:
        found = await _found(reference, client)
        with explained(reference):
            if isinstance(found, Checkpoint):
                return await checkpoint_facts(found, client), found.source
            return await remote_facts(found, client), found.source


async def look_closely(reference: Reference) -> tuple[Headers, Offer]:
    """The headers of the GGUF model that `reference` names, and what its source said.

    Raises as `look_at`.
    """
    async with HttpClient(limits=LIMITS) as client:
        offer = await source_for(reference).resolve(client)
        with explained(reference):
            return await remote_headers(offer, client), offer


async def _found(reference: Reference, client: HttpClient) -> Offer | Checkpoint:
    if isinstance(reference, HubReference):
        return await HubSource(reference).look()
    return await source_for(reference).resolve(client)
