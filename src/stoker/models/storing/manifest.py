"""What the store knows of one name: the digests it pins, where they came from and when.

Owns the document's form. Pure: reading and writing files belongs to `store`. No path is part of
it, so the store can be moved.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stoker.core.errors import InvalidModelNameError, SourceUnsafeError, StoreDamagedError
from stoker.core.model import ModelRef
from stoker.models.http import STATE_MAX

VERSION = 1
KINDS = frozenset({"model", "projector", "template", "licence", "parameters"})
MANIFEST_BYTES_MAX = 256 * 1024
LAYERS_MAX = 64
_NAME_MAX = 255
_SOURCE_MAX = 2048
SIZE_MAX = 1 << 50
_TIME_MAX = 1 << 40
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_FIELDS = frozenset({"version", "name", "tag", "source", "fetched_unix_s", "layers", "facts"})
_LAYER_FIELDS = frozenset({"digest", "size_bytes", "kind", "name"})
_STATE = "state"  # left out where it is empty, as it always was before there was one


@dataclass(frozen=True, slots=True)
class Layer:
    """One file of a model. `name` is only for show.

    `state` is what told this file from others at its source when it came (an ETag, a date); it is
    compared as it is, holds no secret, and is empty where the source says nothing.
    """

    digest: str
    size_bytes: int
    kind: str
    name: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one name of the store pins; `facts` is `ModelFacts` as JSON, for lists only."""

    ref: ModelRef
    source: str
    layers: tuple[Layer, ...]
    fetched_unix_s: int
    facts: Mapping[str, Any]

    @property
    def size_bytes(self) -> int:
        """The bytes of its files, each digest once."""
        return sum({layer.digest: layer.size_bytes for layer in self.layers}.values())

    @property
    def models(self) -> tuple[Layer, ...]:
        """The layers that an engine loads: one, or all parts of a split model in their order.

        Raises:
            StoreDamagedError: it pins none.
        """
        found = tuple(layer for layer in self.layers if layer.kind == "model")
        if not found:
            raise StoreDamagedError(f"{self.ref} pins no model file")
        return found

    @property
    def model(self) -> Layer:
        """The first of `models`."""
        return self.models[0]

    def to_json(self) -> bytes:
        """The document that `from_json` reads.

        Raises:
            SourceUnsafeError: it would hold what `from_json` refuses.
        """
        document = {
            "version": VERSION,
            "name": self.ref.name,
            "tag": self.ref.tag,
            "source": self.source,
            "fetched_unix_s": self.fetched_unix_s,
            "layers": [_layer_document(layer) for layer in self.layers],
            "facts": dict(self.facts),
        }
        try:
            data = json.dumps(document, indent=1, allow_nan=False).encode()
            _read(data)
        except (TypeError, ValueError, InvalidModelNameError) as error:
            raise SourceUnsafeError(f"{self.ref} cannot be written down: {error}") from error
        return data

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        """The manifest that `data` writes.

        Raises:
            StoreDamagedError: too large, not JSON, of another version, a field too many or too
                few, or a name, digest or size of the wrong form.
        """
        try:
            return _read(data)
        except (ValueError, TypeError, RecursionError, InvalidModelNameError) as error:
            raise StoreDamagedError(f"A manifest cannot be read: {error}") from error


def is_digest(text: object) -> bool:
    """Whether `text` is `sha256:` and 64 lower-case hexadecimal digits, and nothing more."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def _read(data: bytes) -> Manifest:
    _require(len(data) <= MANIFEST_BYTES_MAX, "its length")
    document = json.loads(data)
    _require(isinstance(document, dict) and document.keys() == _FIELDS, "its list of fields")
    version, layers, facts = (document[key] for key in ("version", "layers", "facts"))
    _require(type(version) is int and version == VERSION, "its version")
    _require(isinstance(layers, list) and 0 < len(layers) <= LAYERS_MAX, "its layers")
    _require(isinstance(facts, dict), "its facts")
    return Manifest(
        ref=_ref(document["name"], document["tag"]),
        source=_text(document["source"], _SOURCE_MAX, "its source"),
        layers=tuple(_layer(layer) for layer in layers),
        fetched_unix_s=_count(document["fetched_unix_s"], _TIME_MAX, "its time"),
        facts=facts,
    )


def _ref(name: object, tag: object) -> ModelRef:
    _require(isinstance(name, str) and isinstance(tag, str), "its name")
    return ModelRef.parse(f"{name}:{tag}")


def _layer_document(layer: Layer) -> dict[str, Any]:
    document = asdict(layer)
    if not layer.state:
        del document[_STATE]
    return document


def _layer(layer: Any) -> Layer:
    known = isinstance(layer, dict) and layer.keys() - {_STATE} == _LAYER_FIELDS
    _require(known, "a layer's list of fields")
    _require(is_digest(layer["digest"]), "a layer's digest")
    _require(isinstance(layer["kind"], str) and layer["kind"] in KINDS, "a layer's kind")
    name = _text(layer["name"], _NAME_MAX, "a layer's name")
    _require("/" not in name and "\\" not in name, "a layer's name")
    size_bytes = _count(layer["size_bytes"], SIZE_MAX, "a layer's size")
    state = _text(layer.get(_STATE, ""), STATE_MAX, "a layer's state")
    return Layer(layer["digest"], size_bytes, layer["kind"], name, state)


def _text(value: Any, limit: int, what: str) -> str:
    _require(isinstance(value, str) and len(value) <= limit and value.isprintable(), what)
    return str(value)


def _count(value: Any, limit: int, what: str) -> int:
    _require(type(value) is int and 0 <= value <= limit, what)
    return int(value)


def _require(kept: bool, what: str) -> None:
    if not kept:
        raise ValueError(f"{what} cannot be right")
