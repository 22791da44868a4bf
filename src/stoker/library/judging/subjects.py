"""From what a person names to a model that can be planned for, near or far.

A far model is read by its header alone. Owns what it is called and which of its files are listed;
blocking calls are made from `planning`'s coroutine, they take milliseconds.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from stoker.core.errors import SeveralFilesError, UnsupportedModelError
from stoker.core.model import LocalModel, ModelFacts, ModelRef
from stoker.models.catalogue import find_model, looks_like_path, ref_of
from stoker.models.gguf.hollow import Hollow
from stoker.models.pinning import pin_files, with_digests
from stoker.models.sources.base import MODEL, PROJECTOR
from stoker.models.sources.reference import HubReference, Reference, is_far, parse_reference
from stoker.models.storing.store import Store
from stoker.planning.mixtures import FORMAT_BITS, type_of
from stoker.planning.proposal.quantizations import pick

_MIXTURE = re.compile(
    r"(?:^|[-._/:])((?:UD-)?(?:IQ|TQ|Q)\d[A-Z0-9_]*|BF16|F16|F32|MXFP4)(?=[-./]|$)", re.IGNORECASE
)
# Files of these types are published as such mixtures, where their name does not say which.
_USUAL = {"Q6_K": "Q6_K", "Q5_K": "Q5_K_M", "Q4_K": "Q4_K_M", "Q3_K": "Q3_K_M", "Q2_K": "Q2_K"}
# How many files of a model's folder are looked at.
_BESIDE_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Subject:
    """One model: where it is, what it is called, and its header hollow where its file is far.

    `source` is what a person writes to have it served or pulled, `listed` the files of other
    quantizations at its source, with their bytes.
    """

    model: LocalModel
    source: str
    quantization: str
    here: bool = True
    hollow: tuple[Hollow, ...] = ()
    listed: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


async def find_subject(
    text: str, store: Store, available_bytes: int, *, pin: bool = False
) -> Subject:
    """The model that `text` names; with `pin` all its files that lie outside `store` are hashed.

    Of a repository with several quantizations the usual one that `available_bytes` can hold.

    Raises:
        ModelNotFoundError, ModelFileError: there is none here, or it cannot be read.
        SourceError, InvalidSourceError, SeveralFilesError: nor there.
    """
    if not is_far(text):
        return near_subject(text, store, pin=pin)
    reference = parse_reference(text)
    try:
        return await _far(reference)
    except SeveralFilesError as error:
        if not (isinstance(reference, HubReference) and reference.choice is None):
            raise
        sizes = {one.quantization: one.size_bytes for one in error.choices if one.quantization}
        listed = {kind: size for kind, size in sizes.items() if size}
        if not listed:
            raise
    choice = pick(listed, available_bytes)
    note = (
        f"of {len(listed)} quantizations there {choice} was taken; name another as {reference}:..."
    )
    found = await _far(replace(reference, choice=choice))
    return replace(found, notes=(*found.notes, note))


def near_subject(text: str, store: Store, *, pin: bool = False) -> Subject:
    """As `find_subject`, for what lies on this machine."""
    _refuse_a_folder(text)
    model = find_model(text, store)
    if pin:
        model = with_digests(model, pin_files(model, store))
    name, _, path = text.rpartition("=")
    source = f"{name}={Path(path).expanduser().absolute()}" if name else text
    if not name and looks_like_path(text):
        source = str(model.path)
    notes = _without_pictures(_projectors_beside(model, store))
    return Subject(model, source, called(model.facts, f"{text} {model.path.name}"), notes=notes)


def _refuse_a_folder(text: str) -> None:
    """Raise UnsupportedModelError where `text` means a folder: an engine reads one file of it."""
    place = text.rpartition("=")[2]
    path = Path(place).expanduser()
    if not (looks_like_path(place) and path.is_dir()):
        return
    hint = "name a .gguf file in it"
    if (path / "config.json").is_file():
        made = shlex.quote(f"{path.resolve().name}-f16.gguf")
        hint = f"`stoker import {shlex.quote(str(path))}`, and then `stoker plan ./{made}`"
    raise UnsupportedModelError(f"{path} is a folder, and a plan is of a model's file", hint=hint)


async def _far(reference: Reference) -> Subject:
    from stoker.models.looking.look import look_closely  # noqa: PLC0415 - a web library

    headers, offer = await look_closely(reference)
    name = offer.model.name.rsplit("/", 1)[-1]
    facts = headers.facts
    digests = tuple(file.digest or "" for file in offer.files if file.kind == MODEL)
    model = LocalModel(_name_of(name), Path(name), facts, digests if all(digests) else ())
    quantization = offer.model.quantization or called(facts, name)
    here = offer.model.path is not None
    return Subject(
        model,
        offer.source,
        quantization,
        here=here,
        hollow=headers.hollow(),
        listed=dict(offer.listed),
        notes=(
            *offer.notes,
            *_without_pictures(one.name for one in offer.files if one.kind == PROJECTOR),
        ),
    )


def _projectors_beside(model: LocalModel, store: Store) -> Iterator[str]:
    """The names of the projectors that were pulled with `model`, or lie in its file's folder."""
    manifest = store.find(model.ref) if model.path.parent == store.blobs else None
    if manifest is not None:
        yield from (layer.name for layer in manifest.layers if layer.kind == PROJECTOR)
        return
    with suppress(OSError), os.scandir(model.path.parent) as files:
        names = [file.name for file in islice(files, _BESIDE_MAX)]
        yield from sorted(one for one in names if one != model.path.name and _is_projector(one))


def _is_projector(name: str) -> bool:
    return name.lower().startswith("mmproj") and name.lower().endswith(".gguf")


def _without_pictures(projectors: Iterable[str]) -> tuple[str, ...]:
    """What is to be said of a model that comes with `projectors`: no engine here runs them."""
    names = [Path(name).name for name in projectors]
    if not names:
        return ()
    first = "".join(one if one.isprintable() else "?" for one in names[0])
    told = first if len(names) == 1 else f"{first} and {len(names) - 1} more"
    return (f"the projector {told} is not run: the model takes text and no pictures",)


def called(facts: ModelFacts, name: str) -> str:
    """The quantization as people call it: by the file's name, else what its type is usually in."""
    words: list[str] = [one.upper() for one in _MIXTURE.findall(name.removesuffix(".gguf"))]
    found = [one for one in words if type_of(one) in FORMAT_BITS]  # `q8` and `q4k` say too little
    if found and found[-1].startswith(facts.quantization.upper()[:2]):
        return found[-1]
    return _USUAL.get(facts.quantization, facts.quantization)


def _name_of(file: str) -> ModelRef:
    return ref_of(Path(file))
