"""From a reference to the source that resolves it."""

from __future__ import annotations

from stoker.core.errors import InvalidSourceError
from stoker.models.sources.base import Source
from stoker.models.sources.path import PathSource
from stoker.models.sources.reference import (
    HubReference,
    PathReference,
    Reference,
    RegistryReference,
    WebReference,
)
from stoker.models.sources.web import WebSource


def source_for(reference: Reference) -> Source:
    """The source that `reference` names.

    Raises:
        InvalidSourceError: Stoker cannot fetch from there yet.
    """
    match reference:
        case PathReference():
            return PathSource(reference)
        case WebReference():
            return WebSource(reference)
        case HubReference() | RegistryReference():
            raise InvalidSourceError(f"Stoker cannot fetch from {reference} yet")
