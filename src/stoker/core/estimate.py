"""A figure that is not known exactly: an interval with its middle."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """Nine in ten outcomes lie above `p10`, half above `p50`, one in ten above `p90`.

    Raises:
        ValueError: the three are not in order, or not numbers.
    """

    p10: float
    p50: float
    p90: float

    def __post_init__(self) -> None:
        if not self.p10 <= self.p50 <= self.p90:
            raise ValueError(f"{self.p10}, {self.p50}, {self.p90} are not in order")

    @classmethod
    def exact(cls, value: float) -> Interval:
        """A figure that is known."""
        return cls(value, value, value)

    @classmethod
    def of_ratio(cls, middle: float, low: float, high: float) -> Interval:
        """`middle` with the factors `low` (at most 1) and `high` (at least 1) around it."""
        return cls(middle * low, middle, middle * high)

    def scaled(self, factor: float) -> Interval:
        """Each of the three times `factor`, which is not negative; nothing of anything is 0."""
        if not factor:
            return Interval.exact(0.0)
        return Interval(self.p10 * factor, self.p50 * factor, self.p90 * factor)

    def inverse(self) -> Interval:
        """One over it: seconds become a rate. The ends change places; one over 0 is infinite."""
        return Interval(*(1 / one if one else math.inf for one in (self.p90, self.p50, self.p10)))

    def __add__(self, other: Interval) -> Interval:
        """The sum of two that are high together: wider than the truth where they are not."""
        return Interval(self.p10 + other.p10, self.p50 + other.p50, self.p90 + other.p90)

    def __contains__(self, value: float) -> bool:
        """Whether `value` lies between the tenth and the ninetieth percentile."""
        return self.p10 <= value <= self.p90
