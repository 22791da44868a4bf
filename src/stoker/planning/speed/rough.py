"""Seconds from how fast a device reads memory and multiplies, where nothing better is known.

Pure. Wide on purpose. A speed whose figures nobody has stays unknown, and so do load times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from stoker.core.speed import SpeedSource
from stoker.core.weights import Use
from stoker.planning.defaults import ONE_THREAD_BYTES
from stoker.planning.speed.floors import step_floor_s, token_floor_s
from stoker.planning.speed.spread import Estimate, together
from stoker.planning.speed.work import Work

# The share of the memory's bandwidth that decode reaches: of the published figures of Llama-3-8B
# in 4 bits the least is 0.44 (M1 Max) and the most 0.80 (RTX 3070).
BANDWIDTH_SHARES = (0.4, 0.85)
# Weights that a processor's caches hold are read faster than memory is.
CACHED_SHARES = (0.4, 2.0)
# The share of the throughput of matrices that prefill reaches.
MATMUL_SHARES = (0.35, 0.9)
# What several answers at a time give together: at worst as much as one, at best each as much as one
# alone. More than 16 add nothing here.
STREAMS_MOST = 16


def several(alone: Estimate, streams: int) -> Estimate:
    """A step of so many answers, of which only that of one `alone` is known."""
    more = math.log(min(streams, STREAMS_MOST)) / 2
    beyond = max(streams / STREAMS_MOST, 1.0)
    return Estimate(alone.middle * math.exp(more) * beyond, alone.width + more)


@dataclass(frozen=True, slots=True)
class Rough:
    """One device: bytes and operations a second, None or 0 where nobody says.

    `threads` of a processor take part; of a GPU it is None.
    """

    bandwidth_bytes_s: float | None
    ops_s: float | None = None
    threads: int | None = None

    @property
    def source(self) -> SpeedSource:
        """Rough."""
        return SpeedSource.ROUGH

    def step(self, work: Work, streams: int, past: float) -> Estimate | None:
        """As `Basis.step`: the weights read once, and so often again as answers may cost."""
        if not self.bandwidth_bytes_s:
            return None
        share, width = _within(CACHED_SHARES if self._caches(work) else BANDWIDTH_SHARES)
        reading = work.read_bytes(past) / (share * self.bandwidth_bytes_s)
        alone = reading + (step_floor_s(work, past, self.threads) if self.threads else 0.0)
        return several(Estimate(alone, width), streams)

    def prompt(self, work: Work, tokens: int, past: int = 0) -> Estimate | None:
        """As `Basis.prompt`: its products, and the step that gives the first token."""
        if not self.ops_s:
            return None
        share, width = _within(MATMUL_SHARES)
        attended = work.attended_mean(tokens, past)
        products = sum(
            one.elements * work.share(one.use)
            for one in work.uses
            if one.use in (Use.BODY, Use.EXPERT)
        )
        each = 2 * products / (share * self.ops_s)
        each += token_floor_s(work, attended, self.threads) if self.threads else 0.0
        first = self.step(work, 1, past + tokens)
        if first is None:
            return Estimate(tokens * each, width)
        return Estimate(tokens * each + first.middle, together(width, first.width))

    @property
    def first_token_s(self) -> float:
        """Nobody says; it is small beside the rest."""
        return 0.0

    def _caches(self, work: Work) -> bool:
        """Whether a processor's caches may hold the weights."""
        return self.threads is not None and work.read_bytes(0.0) < ONE_THREAD_BYTES

    def load(self, work: Work, *, cold: bool) -> Estimate | None:  # noqa: ARG002 - as `Basis`
        """Unknown."""
        return None

    def notes(self, work: Work) -> tuple[str, ...]:  # noqa: ARG002 - as `Basis`
        """None: that it is rough its source says."""
        return ()


def _within(shares: tuple[float, float]) -> tuple[float, float]:
    """The middle of two shares, and half the distance between them, as factors are."""
    low, high = shares
    return math.sqrt(low * high), math.log(high / low) / 2
