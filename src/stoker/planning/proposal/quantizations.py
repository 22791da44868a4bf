"""The quantizations just above and below a model's own: their bytes, and how a model of them looks.

Pure. Bits per weight are published ones where they exist, else what the number format itself takes.
A file that exists is not estimated: its listed size is taken instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stoker.core.model import ModelFacts
from stoker.core.published import PublishedLoss
from stoker.core.weights import Use, WeightUse

# What files are published in, the widest first, and the type that most of their weights have.
LADDER = ("F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K", "IQ2_XXS")
# Bits of one weight by the format's own layout: bytes of a block over its weights.
FORMAT_BITS = {
    "F32": 32.0,
    "F16": 16.0,
    "BF16": 16.0,
    "Q8_0": 8.5,
    "Q6_K": 6.5625,
    "Q5_1": 6.0,
    "Q5_0": 5.5,
    "Q5_K": 5.5,
    "Q4_1": 5.0,
    "Q4_0": 4.5,
    "Q4_K": 4.5,
    "IQ4_NL": 4.5,
    "IQ4_XS": 4.25,
    "MXFP4": 4.25,
    "Q3_K": 3.4375,
    "IQ3_S": 3.4375,
    "IQ3_XXS": 3.0625,
    "Q2_K": 2.625,
    "IQ2_S": 2.5625,
    "IQ2_XS": 2.3125,
    "IQ2_XXS": 2.0625,
    "IQ1_M": 1.75,
    "IQ1_S": 1.5625,
    "TQ2_0": 2.0625,
    "TQ1_0": 1.6875,
}
# What models of an architecture are trained in: other forms are made from it and gain nothing.
_NATIVE = {"gpt-oss": "MXFP4"}
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
) -> tuple[Quantized, ...]:
    """The other quantizations that a model can be had in, the widest first.

    `name` is what the model's file is called by (`Q4_K_M`). `listed` are the files that the model's
    source has, by quantization and bytes; where there are any besides the model's own, only those.
    """
    others = {one: size for one, size in (listed or {}).items() if one.upper() != name.upper()}
    if others:
        found = [Quantized(one, size, "listed at the source") for one, size in others.items()]
    elif is_native(facts, name):
        found = []
    else:
        own = _bits(name, losses) or facts.bits_per_weight
        found = [_of_bits(facts, one, own, losses) for one in LADDER if own]
    kept = [one for one in found if _is_a_step(one.weights_bytes, facts.file_bytes)]
    return tuple(sorted(kept, key=lambda one: -one.weights_bytes))


def is_native(facts: ModelFacts, name: str) -> bool:
    """Whether files called `name` are the model as it was trained and published."""
    return _NATIVE.get(facts.architecture) == type_of(name)


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


def type_of(name: str) -> str:
    """The type that most weights have in files called `name`: `Q4_K` for `Q4_K_M`."""
    word = name.upper().removeprefix("UD-")
    while word and word not in FORMAT_BITS:
        word = word.rpartition("_")[0]
    return word or name.upper()


def embedding_type_of(name: str) -> str:
    """The type that the tokens' vectors have in such files: mixtures keep them in six bits."""
    return "Q6_K" if "_K_" in name.upper() else type_of(name)


def _of_bits(
    facts: ModelFacts, name: str, own: float, losses: Sequence[PublishedLoss]
) -> Quantized:
    bits = _bits(name, losses)
    return Quantized(name, round(facts.file_bytes * bits / own), f"{bits:.3g} bits per weight")


def _bits(name: str, losses: Sequence[PublishedLoss]) -> float:
    """Bits per weight of files called `name`; 0 for a name that nobody knows."""
    wanted = name.upper()
    published = (row.bits_per_weight for row in losses if row.quantization.upper() == wanted)
    known = next((bits for bits in published if bits), None)
    return known or FORMAT_BITS.get(type_of(wanted), 0.0)


def _is_a_step(size: int, own: int) -> bool:
    return bool(own and size) and max(size / own, own / size) >= STEP_LEAST
