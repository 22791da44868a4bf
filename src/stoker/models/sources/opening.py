"""From what names a source to the source: which module speaks its protocol.

A module is imported when a reference needs it.
"""

from __future__ import annotations

from importlib import import_module

from stoker.models.sources.base import Source
from stoker.models.sources.reference import (
    HubReference,
    PathReference,
    Reference,
    RegistryReference,
    WebReference,
)

_ROOM = "stoker.models.sources"


def source_for(reference: Reference) -> Source:
    """The source that `reference` names; nothing is asked or opened yet."""
    match reference:
        case PathReference():
            made = import_module(f"{_ROOM}.path").PathSource(reference)
        case WebReference():
            made = import_module(f"{_ROOM}.web").WebSource(reference)
        case HubReference():
            made = import_module(f"{_ROOM}.hub").HubSource(reference)
        case RegistryReference():
            made = import_module(f"{_ROOM}.registry").RegistrySource(reference)
    source: Source = made
    return source
