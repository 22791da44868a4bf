"""Repeating a measurement within bounds, and what its passes say together.

The best pass is the figure, as STREAM reports it: whatever else runs can only slow a pass. How
far the median lies below tells how disturbed it was.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

CONFIRMED_SHARE = 0.95


class CannotMeasureError(Exception):
    """A figure cannot be had here; the message is the reason, for people."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Passes go on until `budget_s` is used up and there are `least`; never beyond `most`.

    Where no second pass came near the best, they go on for `extra_s` more.
    """

    budget_s: float
    extra_s: float
    least: int = 2
    most: int = 24


@dataclass(frozen=True, slots=True)
class Figure:
    """The best of several passes, and the share by which their median lies below it."""

    best: float
    spread: float

    @classmethod
    def of(cls, passes: Sequence[float]) -> Figure:
        """What `passes`, rates above 0, say together.

        Raises:
            CannotMeasureError: there is no pass.
        """
        best = max(passes, default=0.0)
        if best <= 0:
            raise CannotMeasureError("no pass was done in the time that measuring may take")
        return cls(best, 1 - statistics.median(passes) / best)


def run_passes(
    once: Callable[[], None],
    amount: float,
    limits: Limits,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, ...]:
    """The rate of each pass: `amount` over the seconds that `once` took on `clock`."""
    begun, rates = clock(), list[float]()
    while go_on(rates, clock() - begun, limits):
        start = clock()
        once()
        taken = clock() - start
        rates.append(amount / taken if taken > 0 else 0.0)
    return tuple(rates)


def go_on(rates: Sequence[float], used_s: float, limits: Limits) -> bool:
    """Whether another pass is worth its time, after `rates` and `used_s` seconds."""
    if len(rates) < limits.least:
        return True
    if len(rates) >= limits.most or used_s >= limits.budget_s + limits.extra_s:
        return False
    return used_s < limits.budget_s or not _confirmed(rates)


def _confirmed(rates: Sequence[float]) -> bool:
    """Whether the best pass was no accident: another came near it."""
    first, second = sorted(rates, reverse=True)[:2]
    return second >= CONFIRMED_SHARE * first
