"""Seconds on a machine that was calibrated: the terms of `terms` at the calibration's prices.

Pure. What lies beyond the numbers of answers that were measured is carried on in proportion, and
wider. So are fewer threads; more of them make nothing faster.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from stoker.core.calibration import Calibration, ThreadRatio
from stoker.core.speed import SpeedSource
from stoker.planning.defaults import ONE_THREAD_BYTES
from stoker.planning.speed.prices import prices_of
from stoker.planning.speed.spread import Estimate, together
from stoker.planning.speed.terms import (
    STREAMS,
    cold_terms,
    decode_terms,
    load_terms,
    prompt_terms,
    streams_terms,
)
from stoker.planning.speed.work import Work

# What doubling the distance from what was measured adds to the width.
_PER_DOUBLING = math.log(1.15)
# Of a small model besides: how much of it a processor's cache holds is not that of the small shape.
_SMALL_WIDTH = math.log(1.5)
# From this width on a fit of several answers, as a quick calibration's, says less than what full
# ones had in common: n answers' weights took 0.4 to 1.4 times as long as n times one's (AMD EPYC,
# 2 cores, 18 formats, n of 2 to 8, November 2026).
_STREAMS_WIDTH_MOST = math.log(2.0)
_EACH, _EACH_WIDTH = 0.8, math.log(1.75)
# What running otherwise than was measured adds: without rewritten weights, with another cache.
_PLAIN_WEIGHTS, _OTHER_CACHE = math.log(1.4), math.log(1.2)
_MEASURED_CACHE = "f16"


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One machine and engine as calibrated, for plans with `threads` threads.

    `repack` and `kv_type` are the plan's. Calibrations rewrite the weights at load and keep an f16
    cache; other plans are less certain, and how long they load is unknown without rewriting.
    """

    calibration: Calibration
    threads: int
    micro_batch: int = 512
    repack: bool = True
    kv_type: str = _MEASURED_CACHE

    def step(self, work: Work, streams: int, past: float) -> Estimate | None:
        """One decode step of `streams` answers with `past` tokens behind each of them."""
        priced = prices_of(self.calibration.decode).total(decode_terms(work, past))
        alone = self._scaled(priced, work, lambda ratio: ratio.decode)
        if alone is None or streams <= 1:
            return alone
        return _in_line([(1, alone), *self._measured(work, past, alone)], streams)

    def prompt(self, work: Work, tokens: int, past: int = 0) -> Estimate | None:
        """As `Basis.prompt`."""
        decode = prices_of(self.calibration.decode)
        terms = prompt_terms(work, tokens, self.micro_batch, decode.seconds, past)
        priced = prices_of(self.calibration.prefill).total(terms)
        return self._scaled(priced, work, lambda ratio: ratio.prefill)

    @property
    def first_token_s(self) -> float:
        """As the calibration measured it."""
        return self.calibration.first_token_s

    def load(self, work: Work, *, cold: bool) -> Estimate | None:
        """From the call to the first answer."""
        if not self.repack:
            return None
        warm = prices_of(self.calibration.load).total(load_terms(work))
        if warm is None or not cold:
            return warm
        more = prices_of(self.calibration.cold).total(cold_terms(work))
        if more is None:
            return None
        return Estimate(warm.middle + more.middle, together(warm.width, more.width))

    @property
    def source(self) -> SpeedSource:
        """A calibration."""
        return SpeedSource.CALIBRATION

    def notes(self, work: Work) -> tuple[str, ...]:
        """What was borrowed or scaled."""
        said = [f"speed of {lent}" for lent in self._lent(work)]
        if self.calibration.disturbed:
            said.append("calibrated while other programs were busy (disturbed), so wider")
        if not self.repack:
            said.append("calibrated with rewritten weights; without them it may be slower")
        if self.kv_type != _MEASURED_CACHE:
            said.append(f"calibrated with an {_MEASURED_CACHE} cache, not {self.kv_type}")
        if self.threads != self.calibration.threads:
            said.append(f"calibrated with {self.calibration.threads} threads, not {self.threads}")
        return tuple(said)

    def _lent(self, work: Work) -> tuple[str, ...]:
        """Which families of formats have a relative's decode price: `iq3 from iq2`."""
        heavy = {
            name: units
            for name, units in decode_terms(work, 0.0).items()
            if units > 0.01 * sum(one.elements for one in work.uses)
        }
        return prices_of(self.calibration.decode).lent(heavy)

    def _measured(self, work: Work, past: float, alone: Estimate) -> list[tuple[int, Estimate]]:
        """Steps of the numbers of answers that were measured; more answers never take less."""
        prices, decode = prices_of(self.calibration.streams), prices_of(self.calibration.decode)
        least, nodes = alone, []
        for streams in STREAMS:
            terms = streams_terms(work, streams, past, decode.seconds)
            found = self._scaled(prices.total(terms), work, lambda ratio: ratio.decode)
            if found is not None:
                told = _likely(found, alone, streams)
                least = Estimate(max(told.middle, least.middle), told.width)
                nodes.append((streams, least))
        return nodes

    def _scaled(
        self, estimate: Estimate | None, work: Work, ratio_of: Callable[[ThreadRatio], float]
    ) -> Estimate | None:
        """For other threads than the calibration's: as measured of small models, or in proportion.

        A small model lies in the processor's cache, so its threads matter less than elsewhere.
        More threads than the calibration's are no faster: it has one for each core, and holds for
        that number of cores alone. The others share cores, and the memory that all of them read.
        """
        if estimate is None:
            return None
        estimate = Estimate(estimate.middle, together(estimate.width, *self._otherwise()))
        own = self.calibration.threads
        if self.threads == own:
            return estimate
        small = sum(one.size_bytes for one in work.uses) < ONE_THREAD_BYTES
        for ratio in self.calibration.thread_ratios:
            if small and ratio.threads == self.threads:
                width = together(estimate.width, _PER_DOUBLING, _SMALL_WIDTH)
                return Estimate(estimate.middle * ratio_of(ratio), width)
        doublings = abs(math.log2(self.threads / own))
        width = together(estimate.width, 2 * _PER_DOUBLING * doublings)
        return Estimate(estimate.middle * max(own / self.threads, 1.0), width)

    def _otherwise(self) -> tuple[float, ...]:
        """The widths of what the plan does otherwise than the calibration did."""
        plain = 0.0 if self.repack else _PLAIN_WEIGHTS
        return plain, 0.0 if self.kv_type == _MEASURED_CACHE else _OTHER_CACHE


def _likely(found: Estimate, alone: Estimate, streams: int) -> Estimate:
    """A step of so many answers: as `found`, if that says more than what is usual."""
    if found.width <= _STREAMS_WIDTH_MOST:
        return found
    return Estimate(alone.middle * streams * _EACH, together(_EACH_WIDTH, alone.width))


def _in_line(nodes: list[tuple[int, Estimate]], streams: int) -> Estimate | None:
    """The step of `streams` answers, in line between two nodes, or on from the last two."""
    for (low, before), (high, after) in pairwise(nodes):
        if streams <= high or high == nodes[-1][0]:
            slope = (after.middle - before.middle) / (high - low)
            beyond = max(math.log2(streams / high), 0.0) * _PER_DOUBLING
            width = together(max(before.width, after.width), beyond)
            return Estimate(before.middle + slope * (streams - low), width)
    return None
