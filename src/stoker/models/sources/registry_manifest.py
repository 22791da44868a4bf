"""The documents of a registry, read strictly: an image's manifest, or an index of several. Pure.

Owns their form and their bounds; what the media types of layers mean is left to `registry_layers`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stoker.core.errors import SourceUnsafeError
from stoker.models.sources.checks import checked_digest, checked_name, checked_size
from stoker.models.storing.manifest import LAYERS_MAX

MANIFEST_BYTES_MAX = 1 << 20
ENTRIES_MAX = 64
TEXT_MAX = 256
IMAGE_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_NAMES = ("org.opencontainers.image.title", "org.cncf.model.filepath", "org.cnai.model.filepath")
_ABOUT_OTHERS = "vnd.docker.reference.type"
_UNPACKED = "io.deis.oras.content.unpack"


@dataclass(frozen=True, slots=True)
class Layer:
    """One blob that a manifest lists; `name` is empty where it has none.

    `archive` says that the blob is a folder packed up, whatever its name looks like.
    """

    media_type: str
    digest: str
    size_bytes: int
    name: str = ""
    archive: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """The layers of one model."""

    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One manifest that an index lists; `label` tells it from the others."""

    digest: str
    label: str


@dataclass(frozen=True, slots=True)
class Index:
    """Several manifests under one name, without those that only speak about others."""

    entries: tuple[Entry, ...]


def read_manifest(data: bytes, what: str) -> Image | Index:
    """The document `data`, which errors call `what`.

    Raises:
        SourceUnsafeError: it is no JSON, no manifest, of a type that is not known, has too many
            layers, or a digest, name or size in it is of the wrong form.
    """
    document = _document(data, what)
    media_type = document.get("mediaType")
    if "manifests" in document and "layers" not in document:
        _check_type(media_type, INDEX_TYPES, what)
        return _index(document["manifests"], what)
    if "layers" in document and "manifests" not in document:
        _check_type(media_type, IMAGE_TYPES, what)
        return _image(document, what)
    raise SourceUnsafeError(f"{what}: the manifest is neither an image's nor an index")


def _document(data: bytes, what: str) -> dict[str, Any]:
    if len(data) > MANIFEST_BYTES_MAX:
        raise SourceUnsafeError(f"{what}: the manifest has more than {MANIFEST_BYTES_MAX} bytes")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise SourceUnsafeError(f"{what}: the manifest is no JSON") from None
    if not isinstance(document, dict):
        raise SourceUnsafeError(f"{what}: the manifest is no JSON object")
    version = document.get("schemaVersion")
    if type(version) is not int or version != 2:
        raise SourceUnsafeError(f"{what}: the manifest is not of schema version 2")
    return document


def _check_type(media_type: Any, known: tuple[str, ...], what: str) -> None:
    """OCI leaves the type out; where it stands, it must say what the document is."""
    if media_type is not None and media_type not in known:
        raise SourceUnsafeError(
            f"{what}: the manifest is of the type {ascii(media_type)[:TEXT_MAX]}"
        )


def _image(document: dict[str, Any], what: str) -> Image:
    layers = _list(document["layers"], LAYERS_MAX, "layers", what)
    if "config" in document:
        _layer(document["config"], what)
    return Image(tuple(_layer(layer, what) for layer in layers))


def _index(manifests: Any, what: str) -> Index:
    found = [_object(one, what) for one in _list(manifests, ENTRIES_MAX, "manifests", what)]
    entries = (_entry(one, what) for one in found if _ABOUT_OTHERS not in _annotations(one, what))
    return Index(tuple(entries))


def _entry(found: dict[str, Any], what: str) -> Entry:
    digest = checked_digest(found.get("digest"), what)
    _check_type(found.get("mediaType"), IMAGE_TYPES, what)
    platform = found.get("platform")
    words = list(platform.values()) if isinstance(platform, dict) else []
    label = "/".join(word for word in words[:3] if isinstance(word, str) and word.isprintable())
    return Entry(digest, label[:TEXT_MAX])


def _layer(layer: Any, what: str) -> Layer:
    found = _object(layer, what)
    annotations = _annotations(found, what)
    name = next((annotations[key] for key in _NAMES if key in annotations), "")
    return Layer(
        media_type=_media_type(found.get("mediaType"), what),
        digest=checked_digest(found.get("digest"), what),
        size_bytes=checked_size(found.get("size"), what),
        name=checked_name(name, what) if name != "" else "",
        archive=annotations.get(_UNPACKED) == "true",
    )


def _media_type(value: Any, what: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_MAX or not value.isprintable():
        raise SourceUnsafeError(f"{what}: a layer's media type is none")
    return value.partition(";")[0].strip().lower()


def _annotations(found: dict[str, Any], what: str) -> Mapping[str, Any]:
    annotations = found.get("annotations") or {}
    return _object(annotations, what)


def _list(value: Any, most: int, what_of: str, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise SourceUnsafeError(f"{what}: the manifest's {what_of} are no list")
    if len(value) > most:
        raise SourceUnsafeError(
            f"{what}: the manifest lists {len(value)} {what_of}; the limit is {most}"
        )
    return value


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SourceUnsafeError(f"{what}: a part of the manifest is no object")
    return value
