"""Which candidate is the cheapest that is good enough, and by which test.

Pure. "Not significantly worse" is no proof of being as good: with few tasks the test sees little,
so the words of a verdict always name the number of tasks.
"""

from __future__ import annotations

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
    that fell below `ALPHA` and answered fewer tasks right.
    """

    best: str
    cheapest: str
    tasks: int
    p_values: Mapping[str, float]
    worse: tuple[str, ...]

    @property
    def words(self) -> str:
        """The verdict as a sentence."""
        return (
            f"{self.cheapest} is the smallest that is not significantly worse than the best, "
            f"{self.best}, on {self.tasks} tasks (McNemar's exact test, two-sided, "
            f"alpha {ALPHA}, Holm's correction)"
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
    return Verdict(best.name, cheapest.name, len(best.right), adjusted, worse)


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
