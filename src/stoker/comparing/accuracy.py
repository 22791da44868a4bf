"""Right and wrong answers, counted: accuracy by category with intervals, and a paired test.

Pure, standard library only. `verdict` decides what follows from it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Accuracy:
    """`right` of `total` answers, and the 95 % interval of the share that is right."""

    right: int
    total: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share of right answers, 0 to 1."""
        return self.right / self.total


def wilson(right: int, total: int) -> tuple[float, float]:
    """The 95 % score interval of a share; 0 to 1.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference" (1927).

    Raises:
        ValueError: there are no trials, or more right ones than trials.
    """
    if not 0 <= right <= total or total == 0:
        raise ValueError(f"{right} of {total} is no share")
    share, z2 = right / total, _Z_95**2
    centre = share + z2 / (2 * total)
    spread = _Z_95 * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    scale = 1 + z2 / total
    low = 0.0 if right == 0 else max(0.0, (centre - spread) / scale)
    high = 1.0 if right == total else min(1.0, (centre + spread) / scale)
    return low, high


def accuracy(right: int, total: int) -> Accuracy:
    """`right` of `total` with its interval."""
    return Accuracy(right, total, *wilson(right, total))


def by_category(categories: Sequence[str], right: Sequence[bool]) -> dict[str, Accuracy]:
    """The accuracy of each category, in the order in which the categories first come."""
    seen: dict[str, list[bool]] = defaultdict(list)
    for category, one in zip(categories, right, strict=True):
        seen[category].append(one)
    return {name: accuracy(sum(ones), len(ones)) for name, ones in seen.items()}


def mcnemar(first: Iterable[bool], second: Iterable[bool]) -> float:
    """The two-sided exact p-value that two models answer the same tasks equally well.

    Only tasks that one got right and the other wrong count; under the null hypothesis each is a
    fair coin. Source: McNemar (1947), with the exact binomial tail.
    """
    pairs = list(zip(first, second, strict=True))
    wins = sum(a and not b for a, b in pairs)
    losses = sum(b and not a for a, b in pairs)
    trials, few = wins + losses, min(wins, losses)
    tail: int = sum(math.comb(trials, k) for k in range(few + 1))
    # Whole numbers: 2 ** trials may be beyond what a float can hold.
    return min(1.0, float(2 * tail / 2**trials)) if trials else 1.0
