"""The models that advice and plans can propose, with their size and what they are trusted with.

Pure. Sizes are published ones where they exist, else counted from the shape and what the
quantization is a mixture of. A file's own header always wins over this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stoker.core.judgement import Judgement
from stoker.core.needs import Quality
from stoker.core.published import ModelShape, PublishedSize
from stoker.planning.mixtures import bytes_in, matrices_of_shape, native_of

_TIERS = tuple(Quality)


@dataclass(frozen=True, slots=True)
class Entry:
    """One model in one quantization. `source` says where the size comes from."""

    shape: ModelShape
    quantization: str
    weights_bytes: int
    tier: Quality | None
    source: str

    @property
    def active_bytes(self) -> float:
        """The weights that one token reads."""
        return self.weights_bytes * self.shape.parameters_active / self.shape.parameters


def build_catalogue(
    shapes: Sequence[ModelShape], sizes: Sequence[PublishedSize], judgement: Judgement
) -> tuple[Entry, ...]:
    """Each shape once, the smallest file first; one whose size nobody can tell is left out."""
    entries = (_entry(shape, sizes, judgement) for shape in shapes)
    return tuple(sorted(filter(None, entries), key=lambda entry: entry.weights_bytes))


def _entry(shape: ModelShape, sizes: Sequence[PublishedSize], judgement: Judgement) -> Entry | None:
    tier = tier_of(shape.dense_equivalent, judgement)
    for size in sizes:
        if size.model == shape.name:
            return Entry(shape, size.quantization, size.size_bytes, tier, size.source)
    quantization = native_of(shape.name) or judgement.quantization
    weights = bytes_in(quantization, matrices_of_shape(shape))
    if weights is None:
        return None
    bits = 8 * weights / shape.parameters
    return Entry(shape, quantization, weights, tier, f"by its shape, {bits:.4g} bits per weight")


def tier_of(dense_equivalent: float, judgement: Judgement) -> Quality | None:
    """What a model of that many parameters is trusted with; None for nothing untried."""
    tier = None
    for size_class in judgement.size_classes:
        if dense_equivalent >= size_class.parameters_least:
            tier = size_class.tier
    return tier


def rank(tier: Quality | None) -> int:
    """The steps of quality in order: 0 for nothing, 1 for basic."""
    return 0 if tier is None else _TIERS.index(tier) + 1


def reaches(tier: Quality | None, wanted: Quality) -> bool:
    """Whether what is trusted with `tier` is trusted with `wanted`."""
    return rank(tier) >= rank(wanted)
