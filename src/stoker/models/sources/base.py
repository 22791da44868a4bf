"""What every source offers, and which of its files are meant.

Owns the port `Source` and the choice among quantizations. It fetches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from stoker.core.choices import Choice
from stoker.core.errors import InvalidSourceError, SeveralFilesError
from stoker.models.gguf.split_names import split_name
from stoker.models.http import NO_HEADERS, Authorize, Http

MODEL, PROJECTOR = "model", "projector"
CHOICES_MAX = 1000
_QUANTIZATION = re.compile(
    r"(?:^|[-._/])((?:UD-)?(?:IQ|TQ|Q)\d[A-Z0-9_]*|BF16|F16|F32|MXFP4(?:_MOE)?)(?=[-./]|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Offered:
    """One file of an offer: at `url`, or already here at `path`.

    `headers` may hold a secret: they are left out of its text. Where they let in for some minutes
    only, `authorize` gives those that do so now, and raises a SourceError if none do. `state` is
    as in a manifest's layer.
    """

    name: str
    size_bytes: int | None
    digest: str | None
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS, repr=False)
    kind: str = MODEL
    quantization: str = ""
    path: Path | None = None
    authorize: Authorize | None = field(default=None, repr=False, compare=False)
    state: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a source has for one reference; `source` is that reference, pinned to what was found.

    `notes` tell a person what was left out, and why. `listed` has the models of the same place by
    quantization, with their bytes, the chosen one among them; empty where nobody looked.
    """

    source: str
    files: tuple[Offered, ...]
    notes: tuple[str, ...] = ()
    listed: tuple[tuple[str, int], ...] = ()

    @property
    def model(self) -> Offered:
        """The file whose header says what the model is; of a split model, the first."""
        return next(file for file in self.files if file.kind == MODEL)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A place that holds a model's safetensors and documents: it can be looked at, not pulled.

    `source` is pinned to what was found, `name` is the model's; `files` are by their names.
    """

    source: str
    name: str
    files: Mapping[str, Offered]


class Source(Protocol):
    """A place that models come from."""

    async def resolve(self, client: Http) -> Offer:
        """What there is now.

        Raises:
            SourceError: it cannot be reached, denies, has none, or says what is not safe to follow.
            SeveralFilesError: there is more than one model and none was named.
            InvalidSourceError: there is no model.
        """


def quantization_of(name: str) -> str:
    """The quantization that a file's name ends with, in capitals; empty when it has none."""
    found = _QUANTIZATION.findall(re.sub(r"\.gguf$", "", name, flags=re.IGNORECASE))
    return found[-1].upper() if found else ""


def _nothing(_name: str) -> Sequence[Offered]:
    return ()


def choose(
    files: Iterable[Offered],
    choice: str | None,
    reference: str,
    beside: Callable[[str], Sequence[Offered]] = _nothing,
) -> tuple[Offered, ...]:
    """The one model among `files`, as its file or, where it is split, all of its files in order.

    `choice` is a file's name or a quantization; `reference` is what the person wrote, without it.
    `beside` gives what comes along with a file, for the sizes that errors tell.

    Raises:
        InvalidSourceError: no file is a model, none is what was chosen, or a part is missing.
        SeveralFilesError: more than one fits. Both have the choices that there are.
    """
    groups = _groups(files)
    if not groups:
        raise InvalidSourceError(f"There is no .gguf file in {reference}")
    fitting = [g for g in groups if choice is None or _fits(g, choice)]
    if len(fitting) == 1:
        return _whole(fitting[0])
    found = _choices(fitting or groups, beside)
    hint = _example(found[0].name, reference)
    if fitting:
        several = SeveralFilesError(f"{reference} has {len(fitting)} models", hint=hint)
        raise several.with_choices(found)
    more = f" and {len(groups) - 1} more" if len(groups) > 1 else ""
    raise InvalidSourceError(
        f"{reference} has no {choice}; it has {found[0].name}{more}", hint=hint
    ).with_choices(found)


def listed(files: Iterable[Offered]) -> tuple[tuple[str, int], ...]:
    """The whole models among `files` by quantization, with their bytes; those known by both."""
    found = {
        group[0].quantization: sum(file.size_bytes or 0 for file in group)
        for group in _groups(files)
        if group[0].quantization and all(file.size_bytes for file in group)
    }
    return tuple(found.items())


def _groups(files: Iterable[Offered]) -> list[list[Offered]]:
    groups: dict[object, list[Offered]] = {}
    for file in sorted(files, key=lambda file: file.name):
        base = file.name.rsplit("/", 1)[-1].lower()
        if base.endswith(".gguf") and not base.startswith("mmproj"):
            split = split_name(file.name)
            groups.setdefault(split.model if split else file.name, []).append(file)
    return list(groups.values())


def _fits(group: list[Offered], choice: str) -> bool:
    if choice.lower().endswith(".gguf"):
        return any(choice in {file.name, file.name.rsplit("/", 1)[-1]} for file in group)
    return group[0].quantization.lower() == choice.lower()


def _whole(group: list[Offered]) -> tuple[Offered, ...]:
    parts = [split for file in group if (split := split_name(file.name)) is not None]
    if parts and [one.number for one in parts] != list(range(1, parts[0].count + 1)):
        raise InvalidSourceError(f"{group[0].name} has {len(group)} of {parts[0].count} parts")
    return tuple(group)


def _choices(
    groups: list[list[Offered]], beside: Callable[[str], Sequence[Offered]]
) -> tuple[Choice, ...]:
    """What there is to choose from, the smallest first."""
    found = []
    for group in groups:
        files = [*group, *beside(group[0].name)]
        sizes = [file.size_bytes for file in files]
        size = None if None in sizes else sum(size or 0 for size in sizes)
        found.append(Choice(_label(group, groups), group[0].quantization, size, len(files)))
    found.sort(key=lambda one: (one.size_bytes is None, one.size_bytes or 0, one.name))
    return tuple(found[:CHOICES_MAX])


def _example(label: str, reference: str) -> str:
    joined = f"{reference}/{label}"
    if reference.startswith("hf:"):
        repository, at, revision = reference.partition("@")
        joined = f"{repository}:{label}{at}{revision}"
    return f"name one, for instance `stoker pull {joined}`"


def _label(group: list[Offered], groups: list[list[Offered]]) -> str:
    """What names one group alone: its quantization where that is enough, else its file."""
    quantization = group[0].quantization
    alike = sum(other[0].quantization == quantization for other in groups)
    is_path = group[0].path is not None
    return quantization if quantization and alike == 1 and not is_path else group[0].name
