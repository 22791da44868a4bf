"""Which candidate is the cheapest that is good enough, and by which test.

Pure. "Not significantly worse" is no proof of being as good: with few tasks the test sees little,
so the words of a verdict always name the number of tasks and the least loss that they could show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stoker.comparing.accuracy import mcnemar

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Answers:
    """What the verdict needs of one candidate; `right` is one entry for each task, in order."""

    name: str
    file_bytes: int
    right: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`cheapest` is the smallest file that is not significantly worse than `best`.

    `p_values` are Holm's adjusted ones of each other candidate against the best; `worse` those
    that fell below `ALPHA` and answered fewer tasks right. `least_visible_loss` is how many tasks
    a candidate must lose, and win none, before the test can call it worse: see there.
    """

    best: str
    cheapest: str
    tasks: int
    p_values: dict[str, float]
    worse: tuple[str, ...]
    least_visible_loss: int

    @property
    def words(self) -> str:
        """The verdict in sentences, with what the test cannot see."""
        return (
            f"{self._choice_words()} {self._worse_words()}{self._blind_words()} "
            f"(McNemar's exact test, two-sided, alpha {ALPHA}, Holm's correction.)"
        )

    def _choice_words(self) -> str:
        if self.cheapest != self.best:
            return (
                f"{self.cheapest} is the smallest that is not significantly worse than the best, "
                f"{self.best}, on {self.tasks} tasks."
            )
        if not self.worse:
            return f"{self.best} is the smallest, and none answers more of the {self.tasks} tasks."
        return f"{self.best} is enough: none answers more of the {self.tasks} tasks."

    def _worse_words(self) -> str:
        if not self.worse:
            return ""
        verb = "is" if len(self.worse) == 1 else "are"
        return f"{', '.join(self.worse)} {verb} significantly worse. "

    def _blind_words(self) -> str:
        if not self.p_values:
            return "With one candidate there is nothing to compare it with."
        if self.least_visible_loss > self.tasks:
            return (
                f"With {self.tasks} tasks the test can see no loss at all: it takes at least "
                f"{self.least_visible_loss} tasks that only the best answers right."
            )
        points = 100 * self.least_visible_loss / self.tasks
        return (
            f"The test cannot see a loss of fewer than {self.least_visible_loss} tasks "
            f"({points:.1f} points), even if nothing else changes; more tasks see smaller losses."
        )


def judge(candidates: Sequence[Answers]) -> Verdict:
    """The verdict on `candidates`; among equally accurate ones the smallest file is the best.

    Raises:
        ValueError: there is no candidate.
    """
    if not candidates:
        raise ValueError("there is nothing to judge")
    best = min(candidates, key=lambda one: (-sum(one.right), one.file_bytes))
    raw = {one.name: mcnemar(best.right, one.right) for one in candidates if one is not best}
    adjusted = holm(raw)
    worse = tuple(name for name, p in adjusted.items() if p < ALPHA)
    kept = [one for one in candidates if one.name not in worse]
    cheapest = min(kept, key=lambda one: one.file_bytes)
    blind = least_visible_loss(len(raw))
    return Verdict(best.name, cheapest.name, len(best.right), adjusted, worse, blind)


def least_visible_loss(comparisons: int) -> int:
    """The fewest tasks lost, with none won, that the test calls significant.

    `k` such tasks have the p-value `2 / 2**k`, and the smallest of several p-values counts
    `comparisons` times; so the least `k` with `2 * comparisons / 2**k < ALPHA`.
    """
    return math.floor(math.log2(2 * max(1, comparisons) / ALPHA)) + 1


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values: the smallest times their number, the next times one less, and so on.

    Source: Holm, "A simple sequentially rejective multiple test procedure" (1979).
    """
    adjusted: dict[str, float] = {}
    floor = 0.0
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        floor = max(floor, min(1.0, p * (len(p_values) - rank)))
        adjusted[name] = floor
    return adjusted
