"""Axes: from values to places on a line, with ticks that people read easily. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 5.0)
_LEAST = 1e-6  # a range below this is one value


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` to `high` on a line from `start` to `end`; by their logarithm if `log`."""

    low: float
    high: float
    start: float
    end: float
    log: bool
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """The place of `value`."""
        low, high, here = self.low, self.high, value
        if self.log:
            low, high, here = math.log(low), math.log(high), math.log(value)
        return self.start + (here - low) / (high - low) * (self.end - self.start)

    def value_at(self, place: float) -> float:
        """The value whose place that is."""
        share = (place - self.start) / (self.end - self.start)
        if self.log:
            return math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        return self.low + share * (self.high - self.low)


def log_scale(values: Sequence[float], start: float, end: float) -> Scale:
    """A scale for positive values, a little wider than they are, with at least two ticks.

    Raises:
        ValueError: a value is not positive.
    """
    if min(values) <= 0:
        raise ValueError("a logarithm needs positive values")
    low, high = min(values) / 1.25, max(values) * 1.25
    return Scale(low, high, start, end, True, _log_ticks(low, high))  # noqa: FBT003 - a field


def linear_scale(low: float, high: float, start: float, end: float) -> Scale:
    """A scale from at most `low` to at least `high`, both widened to a tick."""
    step = nice_step((high - low) / 5) if high - low > _LEAST else 1.0
    first, last = math.floor(low / step), math.ceil(high / step)
    last = max(last, first + 1)
    ticks = tuple(round(step * at, 10) for at in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], start, end, False, ticks)  # noqa: FBT003 - a field


def nice_step(rough: float) -> float:
    """The next of 1, 2, 5, 10, 20 and so on that is at least `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next((step * power for step in _STEPS if step * power >= rough * 0.999), 10 * power)


def _log_ticks(low: float, high: float) -> tuple[float, ...]:
    """The powers of ten; where they are few, also 2 and 5 of each; where those are, all digits."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for digits in ((1.0,), _STEPS, tuple(map(float, range(1, 10)))):
        found = [
            float(f"{digit * 10.0**power:.6g}")
            for power in range(first, last + 1)
            for digit in digits
        ]
        ticks = tuple(tick for tick in found if low <= tick <= high)
        if len(ticks) >= 3:
            return ticks
    return tuple(float(f"{value:.3g}") for value in (low * 1.05, high / 1.05))
