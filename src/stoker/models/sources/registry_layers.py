"""What a registry's layers are: weights, projector, template, licence, parameters. Pure.

Owns the media types of Ollama's registry, of Docker's and of the CNCF's model artifacts, and plain
files that their title calls .gguf. A layer that is left out is named in a note, unless a model
runs the same without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stoker.core.errors import InvalidSourceError, SeveralFilesError, SourceUnsafeError
from stoker.core.units import format_bytes
from stoker.models.sources.base import MODEL, PROJECTOR, Offered, choose, quantization_of
from stoker.models.sources.registry_manifest import Image, Layer

TEMPLATE, LICENCE, PARAMETERS = "template", "licence", "parameters"
TEXT_BYTES_MAX = 16 << 20
_OLLAMA = "application/vnd.ollama.image."
_DOCKER = "application/vnd.docker.ai."
_WEIGHTS = ("application/vnd.cncf.model.weight.v1.raw", "application/vnd.cnai.model.weight.v1.raw")
_KINDS = {
    f"{_OLLAMA}model": MODEL,
    f"{_OLLAMA}projector": PROJECTOR,
    f"{_OLLAMA}template": TEMPLATE,
    f"{_OLLAMA}license": LICENCE,
    f"{_OLLAMA}params": PARAMETERS,
    f"{_OLLAMA}system": PARAMETERS,
    f"{_DOCKER}gguf.v3": MODEL,
    f"{_DOCKER}gguf.v3.lora": "",
    f"{_DOCKER}mmproj": PROJECTOR,
    f"{_DOCKER}chat.template.jinja": TEMPLATE,
    f"{_DOCKER}license": LICENCE,
    "application/vnd.cncf.model.weight.v1.gguf": MODEL,
}
# Their names tell what kinds cannot: the language of a template, and prompt from parameters.
_NAMES = {
    f"{_OLLAMA}template": "template.gotmpl",
    f"{_OLLAMA}params": "params.json",
    f"{_OLLAMA}system": "system.txt",
    f"{_DOCKER}chat.template.jinja": "template.jinja",
}
# Words about a model, and what its .gguf file holds itself.
_HARMLESS = (
    "application/vnd.oci.empty.v1+json",
    "application/vnd.cncf.model.doc.",
    "application/vnd.cncf.model.code.",
    "application/vnd.cncf.model.weight.config.",
    "application/vnd.cnai.model.doc.",
    "application/vnd.cnai.model.code.",
    "application/vnd.cnai.model.weight.config.",
)
_PACKED = ("+gzip", "+zstd", ".tar")
_PLAIN = "application/vnd.oci.image.layer.v1.tar"  # what `oras push FILE` calls any file


def files_of(image: Image, name: str, what: str) -> tuple[tuple[Offered, ...], tuple[str, ...]]:
    """The files of the one model in `image`, without their addresses, and notes.

    `name` is what a file is called that has no name of its own; errors call the image `what`.

    Raises:
        InvalidSourceError: no layer is a .gguf file.
        SeveralFilesError: there is more than one model.
        SourceUnsafeError: a text has the size of a model, or two models have one name.
    """
    kinds = [(layer, _kind(layer)) for layer in image.layers]
    models = [_offered(layer, MODEL, name) for layer, kind in kinds if kind == MODEL]
    others = [_offered(layer, kind, name) for layer, kind in kinds if kind not in {MODEL, ""}]
    if not models:
        raise _no_model(image, what)
    for file in others:
        _check_text(file, what)
    return (*_chosen(models, what), *_distinct(others)), tuple(_notes(kinds))


def _kind(layer: Layer) -> str:
    """The kind that the store gives `layer`; empty when it is left out."""
    kind = _KINDS.get(layer.media_type)
    if kind is not None:
        return kind
    if layer.media_type in _WEIGHTS and not layer.name:
        return MODEL
    if _is_packed(layer) or not layer.name.lower().endswith(".gguf"):
        return ""
    base = layer.name.rsplit("/", 1)[-1]
    return PROJECTOR if base.lower().startswith("mmproj") else MODEL


def _is_packed(layer: Layer) -> bool:
    packed = layer.media_type.endswith(_PACKED) and layer.media_type != _PLAIN
    return layer.archive or packed


def _offered(layer: Layer, kind: str, name: str) -> Offered:
    """`layer` as a file; a layer's own name is kept, as several models are told apart by it."""
    default = {MODEL: f"{name}.gguf", PROJECTOR: f"mmproj-{name}.gguf"}.get(kind, kind)
    called = layer.name or _NAMES.get(layer.media_type, default)
    return Offered(
        name=called,
        size_bytes=layer.size_bytes,
        digest=layer.digest,
        kind=kind,
        quantization=quantization_of(called) if kind == MODEL else "",
    )


def _chosen(models: list[Offered], what: str) -> tuple[Offered, ...]:
    if len(models) == 1:
        return tuple(models)
    if len({file.name for file in models}) < len(models):
        raise SourceUnsafeError(f"{what} has two files of one name")
    try:
        return choose(models, None, what)
    except SeveralFilesError as error:
        raise SeveralFilesError(
            error.message, hint="such a name stands for one model; ask for one that has a single"
        ).with_choices(error.choices) from None


def _distinct(files: Sequence[Offered]) -> list[Offered]:
    """`files` under different names: the second `licence` is `licence-2`."""
    seen: dict[str, int] = {}
    found = []
    for file in files:
        seen[file.name] = count = seen.get(file.name, 0) + 1
        found.append(file if count == 1 else replace(file, name=f"{file.name}-{count}"))
    return found


def _check_text(file: Offered, what: str) -> None:
    if file.kind != PROJECTOR and (file.size_bytes or 0) > TEXT_BYTES_MAX:
        raise SourceUnsafeError(
            f"{what}: its {file.kind} has {format_bytes(file.size_bytes or 0)}; the limit is "
            f"{format_bytes(TEXT_BYTES_MAX)}"
        )


def _notes(kinds: Sequence[tuple[Layer, str]]) -> list[str]:
    return [
        f"left out: {layer.name or layer.media_type} ({format_bytes(layer.size_bytes)})"
        for layer, kind in kinds
        if not kind and not layer.media_type.startswith(_HARMLESS)
    ]


def _no_model(image: Image, what: str) -> InvalidSourceError:
    types = sorted({layer.media_type for layer in image.layers})
    listed = ", ".join(types[:5]) or "nothing"
    return InvalidSourceError(
        f"{what} holds no .gguf model; its layers are {listed}",
        hint="a container image, safetensors or a packed folder cannot be run",
    )
