"""Whether a stored model is what its source has now. Pure: `sources.asking` asks the source.

Files are compared by their digests. Where a source states none, what it says of a file's state (a
strong ETag, a date) stands for one; a size can only tell that it has another file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from stoker.core.errors import (
    FileMissingError,
    InvalidSourceError,
    SourceMissingError,
    StokerError,
)
from stoker.models.sources.base import MODEL, Offer, Offered
from stoker.models.sources.reference import is_pinned, parse_reference
from stoker.models.storing.manifest import Layer, Manifest


class State(StrEnum):
    """How what is stored stands to what there is."""

    CURRENT = "current"
    NEWER = "newer"
    GONE = "gone"
    UNKNOWN = "unknown"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is known of one stored name.

    The digests are those of the model's file (of a split model, of its first); the bytes are those
    of all files. `reason` is for a person, and empty where the state says all.
    """

    model: str
    source: str
    state: State
    digest: str
    size_bytes: int
    new_digest: str | None = None
    new_size_bytes: int | None = None
    new_source: str | None = None
    reason: str = ""


def compared(manifest: Manifest, offer: Offer) -> Freshness:
    """What `offer`, which the source of `manifest` has now, means for it."""
    state, reason = _judged(manifest, offer)
    sizes = [file.size_bytes for file in offer.files]
    return Freshness(
        model=str(manifest.ref),
        source=manifest.source,
        state=state,
        digest=manifest.model.digest,
        size_bytes=manifest.size_bytes,
        new_digest=offer.model.digest,
        new_size_bytes=None if None in sizes else sum(size or 0 for size in sizes),
        new_source=offer.source,
        reason=reason,
    )


def digest_by_state(file: Offered, layers: Iterable[Layer]) -> str | None:
    """The digest that `file` has, or that one of `layers` had when it came in the same state."""
    if file.digest is not None or not file.state or file.size_bytes is None:
        return file.digest
    for layer in layers:
        if _is_same_file(layer, file) and layer.state == file.state:
            return layer.digest if layer.size_bytes == file.size_bytes else None
    return None


def on_this_disk(manifest: Manifest, offer: Offer) -> Freshness:
    """What the files of this machine, which `manifest` was copied from, are now."""
    found = compared(manifest, offer)
    if found.state is State.NEWER:
        return replace(found, reason="the file was changed since")
    known = found.state is State.CURRENT
    reason = "the file is as it was" if known else "whether the file was changed is not known"
    return _without_offer(manifest, State.LOCAL, reason)


def pinned(manifest: Manifest) -> Freshness:
    """What is known of a model whose source names its digest: there can be no other."""
    return _without_offer(manifest, State.CURRENT, "its source names the digest")


def failed(manifest: Manifest, error: StokerError) -> Freshness:
    """What it means for `manifest` that its source answered with `error`."""
    gone = isinstance(error, (SourceMissingError, InvalidSourceError, FileMissingError))
    return _without_offer(manifest, State.GONE if gone else State.UNKNOWN, error.message)


def unknown(manifest: Manifest, reason: str) -> Freshness:
    """That nothing could be found out about `manifest`, and why."""
    return _without_offer(manifest, State.UNKNOWN, reason)


def _without_offer(manifest: Manifest, state: State, reason: str) -> Freshness:
    return Freshness(
        model=str(manifest.ref),
        source=manifest.source,
        state=state,
        digest=manifest.model.digest,
        size_bytes=manifest.size_bytes,
        reason=reason,
    )


def _judged(manifest: Manifest, offer: Offer) -> tuple[State, str]:
    if offer.source == manifest.source and _is_pinned(offer.source):
        return State.CURRENT, ""
    stored = {(layer.kind, layer.digest) for layer in manifest.layers}
    digests = [(file.kind, digest_by_state(file, manifest.layers)) for file in offer.files]
    offered = {(kind, digest) for kind, digest in digests if digest is not None}
    if offered == stored:
        return State.CURRENT, ""
    stated = all(digest is not None for _, digest in digests)
    if stated or offered - stored:
        return State.NEWER, _changes(stored ^ offered if stated else offered - stored)
    return _by_signs(manifest.layers, offer.files)


def _is_pinned(source: str) -> bool:
    """Whether equal texts mean equal bytes."""
    try:
        return is_pinned(parse_reference(source))
    except InvalidSourceError:
        return False


def _changes(different: set[tuple[str, str]]) -> str:
    """What is new, where it is not the model itself."""
    kinds = sorted({kind for kind, _ in different})
    return "" if MODEL in kinds else f"only its {' and '.join(kinds)} changed"


def _is_same_file(layer: Layer, file: Offered) -> bool:
    return (layer.kind, layer.name) == (file.kind, file.name.rpartition("/")[2])


def _was_changed(layer: Layer, file: Offered) -> bool:
    """Whether both states are told in the same way, and differ."""
    both = bool(layer.state and file.state) and _is_same_file(layer, file)
    return both and layer.state != file.state and layer.state[0] == file.state[0]


def _by_signs(layers: tuple[Layer, ...], files: tuple[Offered, ...]) -> tuple[State, str]:
    stored = sorted(layer.size_bytes for layer in layers)
    offered = [file.size_bytes for file in files]
    if None not in offered and sorted(size or 0 for size in offered) != stored:
        return State.NEWER, "its size is another; the source states no digest"
    if any(_was_changed(layer, file) for layer in layers for file in files):
        return State.NEWER, "it was changed there; the source states no digest"
    return State.UNKNOWN, "the source states no digest to compare with"
