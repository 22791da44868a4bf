"""Seconds of a model whose layers lie on two devices, one after the other.

Pure. A step passes through both, so its times add up, with what crossing between them costs. Their
errors have nothing to do with each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from stoker.core.speed import SpeedSource
from stoker.core.weights import Use, WeightUse
from stoker.planning.speed.estimate import Basis
from stoker.planning.speed.spread import Estimate
from stoker.planning.speed.work import Attention, Work

# Handing a step's activations over and waiting for the other device, about, both ways together.
CROSSING_S = 0.0002


@dataclass(frozen=True, slots=True)
class Split:
    """The first `layers_first` layers on one device, the rest and the output matrix on another."""

    first: Basis
    rest: Basis
    layers_first: int

    @property
    def source(self) -> SpeedSource:
        """The weaker of the two."""
        order = list(SpeedSource)
        return max(self.first.source, self.rest.source, key=order.index)

    def step(self, work: Work, streams: int, past: float) -> Estimate | None:
        """As `Basis.step`."""
        return self._sum(work, lambda basis, part: basis.step(part, streams, past))

    def prompt(self, work: Work, tokens: int, past: int = 0) -> Estimate | None:
        """As `Basis.prompt`."""
        return self._sum(work, lambda basis, part: basis.prompt(part, tokens, past))

    @property
    def first_token_s(self) -> float:
        """Of the device that gives the token."""
        return self.rest.first_token_s

    def load(self, work: Work, *, cold: bool) -> Estimate | None:
        """As `Basis.load`; one part is loaded after the other."""
        return self._sum(work, lambda basis, part: basis.load(part, cold=cold))

    def notes(self, work: Work) -> tuple[str, ...]:
        """As `Basis.notes`."""
        above, below = divided(work, self.layers_first)
        return tuple(dict.fromkeys((*self.first.notes(above), *self.rest.notes(below))))

    def _sum(self, work: Work, of: Callable[[Basis, Work], Estimate | None]) -> Estimate | None:
        """Both parts one after the other; the wider one's error counts by its part."""
        if self.layers_first <= 0:
            return of(self.rest, work)
        above, below = divided(work, self.layers_first)
        one, other = of(self.first, above), of(self.rest, below)
        if one is None or other is None:
            return None
        whole = one.middle + other.middle
        width = math.hypot(one.middle * one.width, other.middle * other.width) / whole
        return Estimate(whole + CROSSING_S, width)


def divided(work: Work, layers_first: int) -> tuple[Work, Work]:
    """The work of the first so many layers, and of the rest with the output matrix and sampling."""
    share = min(max(layers_first / work.layers, 0.0), 1.0) if work.layers else 0.0
    first = replace(
        work,
        uses=tuple(_scaled(one, share) for one in work.uses if one.use in _IN_LAYERS),
        layers=layers_first,
        attention=_scaled_attention(work.attention, share),
        vocabulary=0,
    )
    rest = replace(
        work,
        uses=tuple(_scaled(one, 1 - share) if one.use in _IN_LAYERS else one for one in work.uses),
        layers=work.layers - layers_first,
        attention=_scaled_attention(work.attention, 1 - share),
    )
    return first, rest


_IN_LAYERS = (Use.BODY, Use.EXPERT)


def _scaled(one: WeightUse, share: float) -> WeightUse:
    return replace(
        one, elements=round(one.elements * share), size_bytes=round(one.size_bytes * share)
    )


def _scaled_attention(attention: tuple[Attention, ...], share: float) -> tuple[Attention, ...]:
    """Each kind of layer in proportion: kinds alternate."""
    return tuple(replace(one, layers=one.layers * share) for one in attention)
