"""The quantizations just above and below a model's own: their bytes, and how a model of them looks.

Pure. Bytes are counted from the model's matrices by `mixtures`; for a mixture that is not known
there, by published bits per weight. A file that exists is not estimated: its listed size is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stoker.core.model import ModelFacts
from stoker.core.published import PublishedLoss
from stoker.core.weights import Use, WeightUse
from stoker.planning.mixtures import (
    FORMAT_BITS,
    bytes_in,
    embedding_type_of,
    matrices_of,
    native_of,
    type_of,
)

# What files are published in, the widest first, and the type that most of their weights have.
LADDER = ("F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K", "IQ2_XXS")
# What is taken where nobody says, and the share of the memory that its weights may have.
USUAL = "Q4_K_M"
PICKED_SHARE = 0.8
# A step that changes the size by less than this is none.
STEP_LEAST = 1.05


@dataclass(frozen=True, slots=True)
class Quantized:
    """One quantization of a model; `source` says where `weights_bytes` come from."""

    name: str
    weights_bytes: int
    source: str


def quantizations_of(
    facts: ModelFacts,
    name: str,
    losses: Sequence[PublishedLoss],
    listed: Mapping[str, int] | None = None,
    ladder: Sequence[str] = LADDER,
) -> tuple[Quantized, ...]:
    """The other quantizations that a model can be had in, the widest first.

    `name` is what the model's file is called by (`Q4_K_M`). `listed` are the files that the model's
    source has, by quantization and bytes; where there are any besides the model's own, only those,
    else those of `ladder`.
    """
    others = {one: size for one, size in (listed or {}).items() if one.upper() != name.upper()}
    if others:
        found = [Quantized(one, size, "listed at the source") for one, size in others.items()]
    elif is_native(facts, name):
        found = []
    else:
        own = _bits(name, losses) or facts.bits_per_weight
        found = [_counted(facts, one, own, losses) for one in ladder if own and one != name]
    kept = [one for one in found if _is_a_step(one.weights_bytes, facts.file_bytes)]
    return tuple(sorted(kept, key=lambda one: -one.weights_bytes))


def is_native(facts: ModelFacts, name: str) -> bool:
    """Whether files called `name` are the model as it was trained and published."""
    return native_of(facts.architecture) == type_of(name)


def near(
    quantized: Sequence[Quantized], file_bytes: int
) -> tuple[Quantized | None, Quantized | None]:
    """The next wider one, and the next narrower one."""
    above = [one for one in quantized if one.weights_bytes > file_bytes]
    below = [one for one in quantized if one.weights_bytes < file_bytes]
    return above[-1] if above else None, below[0] if below else None


def pick(listed: Mapping[str, int], available_bytes: int) -> str:
    """Which of several files to take: the usual one, a narrower one where that is too large.

    The usual one is `USUAL`, or what is nearest to it in bytes a weight. Where none is small enough
    the smallest is.

    Raises:
        ValueError: there are none.
    """
    wanted = FORMAT_BITS[type_of(USUAL)]
    nearest = min(listed, key=lambda one: abs(FORMAT_BITS.get(type_of(one), 99.0) - wanted))
    usual = next((one for one in listed if one.upper() == USUAL), nearest)
    room = available_bytes * PICKED_SHARE
    fitting = [one for one, size in listed.items() if size <= min(room, listed[usual])]
    return max(fitting, key=listed.__getitem__) if fitting else min(listed, key=listed.__getitem__)


def requantized(facts: ModelFacts, wanted: Quantized) -> ModelFacts:
    """`facts` of the same model in another quantization: its sizes in proportion."""
    ratio = wanted.weights_bytes / facts.file_bytes
    layout = facts.layout
    return replace(
        facts,
        quantization=wanted.name,
        digest=None,
        file_bytes=wanted.weights_bytes,
        weight_bytes=((type_of(wanted.name), wanted.weights_bytes),),
        uses=tuple(_reused(one, wanted.name, ratio) for one in facts.uses),
        layout=replace(
            layout,
            stretch_bytes=round(layout.stretch_bytes * ratio),
            layer_bytes=tuple(round(size * ratio) for size in layout.layer_bytes),
            other_bytes=round(layout.other_bytes * ratio),
            embedding_bytes=round(layout.embedding_bytes * ratio),
            embedding_type=embedding_type_of(wanted.name),
        ),
    )


def _reused(one: WeightUse, name: str, ratio: float) -> WeightUse:
    """The same weights in the other format; what is never quantized stays."""
    if one.format == "F32":
        return one
    ends = one.use in {Use.LOOKUP, Use.OUTPUT}
    kind = embedding_type_of(name) if ends else type_of(name)
    return replace(one, format=kind, size_bytes=round(one.size_bytes * ratio))


def _counted(
    facts: ModelFacts, name: str, own: float, losses: Sequence[PublishedLoss]
) -> Quantized:
    """The model in `name`, by its matrices; `own` bits for each weight are those of its file."""
    matrices = matrices_of(facts)
    size = bytes_in(name, matrices) if matrices else None
    if size is None:
        size = round(facts.file_bytes * _bits(name, losses) / own)
    bits = 8 * size / facts.parameters if facts.parameters else _bits(name, losses)
    return Quantized(name, size, f"{bits:.3g} bits per weight")


def _bits(name: str, losses: Sequence[PublishedLoss]) -> float:
    """Bits per weight of files called `name`; 0 for a name that nobody knows."""
    wanted = name.upper()
    published = (row.bits_per_weight for row in losses if row.quantization.upper() == wanted)
    known = next((bits for bits in published if bits), None)
    return known or FORMAT_BITS.get(type_of(wanted), 0.0)


def _is_a_step(size: int, own: int) -> bool:
    return bool(own and size) and max(size / own, own / size) >= STEP_LEAST
