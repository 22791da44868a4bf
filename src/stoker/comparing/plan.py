"""What is compared with what: the candidates, their order, and which of them is the base.

Pure. Whether a file must be made is decided here; making it is `making`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stoker.core.errors import InvalidRequestError
from stoker.core.model import LocalModel, Task
from stoker.models.gguf.types import TENSOR_TYPES
from stoker.models.quantize.choice import FLOATS, parse_type

CANDIDATES_MAX = 16
QUANTS_DEFAULT = ("q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
_BITS = {kind.name: 8 * kind.block_bytes / kind.block for kind in TENSOR_TYPES.values()}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model to measure.

    `make` names the type that its file must first be made in from `model`; it is None where
    `model`'s own file is the candidate.
    """

    name: str
    model: LocalModel
    make: str | None = None

    @property
    def quantization(self) -> str:
        """The type that most of its weights have."""
        return self.make or self.model.facts.quantization


@dataclass(frozen=True, slots=True)
class Candidates:
    """All of them, the base first; `same_model` says that they are one model's precisions."""

    all: tuple[Candidate, ...]
    same_model: bool

    @property
    def base(self) -> Candidate:
        """What the others are measured against."""
        return self.all[0]


def precisions(model: LocalModel, quants: Sequence[str]) -> Candidates:
    """`model` as it is, which is the base, and its smaller precisions, the finest first.

    Raises:
        InvalidRequestError: an embedding model, a precision above the model's own, or too many.
        UnsupportedModelError: a type that there is not, or that cannot be made here.
    """
    _check_generates(model)
    own = model.facts.quantization
    wanted = dict.fromkeys(parse_type(text) for text in quants)
    for kind in wanted:
        if bits(kind) > bits(own):
            raise InvalidRequestError(
                f"{model.ref} is {own} already; as {kind.lower()} it would be larger, not better",
                hint="name only smaller types, or compare the model's F16 file.",
            )
    smaller = sorted((kind for kind in wanted if kind != own), key=bits, reverse=True)
    made = (Candidate(kind.lower(), model, kind) for kind in smaller)
    return _bounded((Candidate(own.lower(), model), *made), same_model=True)


def default_quants(model: LocalModel) -> tuple[str, ...]:
    """The usual precisions that are smaller than `model`'s own."""
    own = bits(model.facts.quantization)
    return tuple(kind for kind in QUANTS_DEFAULT if bits(kind.upper()) < own)


def several(models: Sequence[tuple[str, LocalModel]]) -> Candidates:
    """Different models under the names that their asker gave them; the largest is the base.

    Raises:
        InvalidRequestError: an embedding model, one named twice, or too many.
    """
    for _, model in models:
        _check_generates(model)
    names = _names(models)
    if len({model.path for _, model in models}) < len(models):
        raise InvalidRequestError("A model is named twice", hint="name each model once.")
    found = [Candidate(name, model) for name, (_, model) in zip(names, models, strict=True)]
    found.sort(key=_size, reverse=True)
    return _bounded(tuple(found), same_model=False)


def is_requantized(candidates: Candidates) -> bool:
    """Whether smaller files are made of a model whose weights have lost precision already."""
    made = any(one.make for one in candidates.all)
    return made and candidates.base.quantization not in FLOATS


def bits(kind: str) -> float:
    """The bits that one weight of the type takes; 0 for a type that is not known."""
    return _BITS.get(kind, 0.0)


def _names(models: Sequence[tuple[str, LocalModel]]) -> list[str]:
    refs = [str(model.ref) for _, model in models]
    return refs if len(set(refs)) == len(refs) else [text for text, _ in models]


def _size(candidate: Candidate) -> tuple[int, float]:
    return candidate.model.facts.parameters, bits(candidate.quantization)


def _bounded(found: tuple[Candidate, ...], *, same_model: bool) -> Candidates:
    if len(found) > CANDIDATES_MAX:
        raise InvalidRequestError(
            f"{len(found)} candidates are too many", hint=f"compare at most {CANDIDATES_MAX}."
        )
    return Candidates(found, same_model)


def _check_generates(model: LocalModel) -> None:
    if model.facts.task is Task.EMBED:
        raise InvalidRequestError(
            f"{model.ref} makes embeddings, and answers no tasks",
            hint="compare models that write text; `stoker show MODEL` says what a model is for.",
        )
