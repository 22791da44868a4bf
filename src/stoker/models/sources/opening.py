"""From what names a source to the source: which module speaks its protocol."""

from __future__ import annotations

from stoker.models.sources.base import Source
from stoker.models.sources.hub import HubSource
from stoker.models.sources.path import PathSource
from stoker.models.sources.reference import (
    HubReference,
    PathReference,
    Reference,
    RegistryReference,
    WebReference,
)
from stoker.models.sources.registry import RegistrySource
from stoker.models.sources.web import WebSource


def source_for(reference: Reference) -> Source:
    """The source that `reference` names; nothing is asked or opened yet."""
    match reference:
        case PathReference():
            return PathSource(reference)
        case WebReference():
            return WebSource(reference)
        case HubReference():
            return HubSource(reference)
        case RegistryReference():
            return RegistrySource(reference)
