"""What earlier runs of a model took, beside what was estimated of it, or in its place.

Pure. Where another basis knows how seconds depend on length and streams, the runs say by which
factor it is off for this model: the fewer they are and the more they differ, the less of it is
believed, and the interval is never wider than the basis's. Enough runs of a like occasion stand by
themselves, as wide as they differ, and so do a few where nothing else is known. What too few runs
say is left to others.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from stoker.core.measurement import AnswerMeasured, LoadMeasured, RunKey
from stoker.core.outcome import ANSWER_TOKENS_MIN, COLD_SHARE, WARM_SHARE, is_alike, past_tokens
from stoker.core.speed import SpeedSource
from stoker.planning.speed.estimate import Basis
from stoker.planning.speed.spread import Estimate, together, width_of
from stoker.planning.speed.work import Work

# Fewer runs than this say more about the moment than about the model.
RUNS_MIN, LOADS_MIN = 3, 2
# A shorter prompt is mostly the request's own way; runs are held against plans from longer ones on.
LEARNED_PROMPT_TOKENS_MIN = 32
# So many runs of a like occasion need no estimate beside them.
RUNS_ENOUGH = 8
# The key tells engine, kernel and processor. What it does not tell comes slowly, and stays: dust,
# firmware, another memory module, a program that now runs all day. So runs of the last quarter
# count, and of those the last; the median follows once half of these are new.
AGE_MAX_S, LAST_MAX = 90 * 86400, 32
# How far a run lies from the next, before any was seen; it counts as one run.
_USUAL_SPREAD = math.log(1.2)
# What carrying a factor on to an occasion of twice or half the length adds to the width.
_PER_DOUBLING = math.log(1.1)
_NARROWEST = math.log(1.03)


@dataclass(frozen=True, slots=True)
class Experience:
    """Earlier runs of one model under plans like one.

    `like` is a basis that knows how seconds depend on lengths, if there is any.
    """

    like: Basis | None
    loads: Sequence[LoadMeasured]
    answers: Sequence[AnswerMeasured]

    @property
    def source(self) -> SpeedSource:
        """Measured, all that it tells."""
        return SpeedSource.MEASURED

    def step(self, work: Work, streams: int, past: float) -> Estimate | None:
        """As `Basis.step`."""
        runs = [
            (past_tokens(one), one.timings.decode_s / (one.usage.completion_tokens - 1))
            for one in self._own()
            if one.usage.completion_tokens >= ANSWER_TOKENS_MIN
            and one.streams_first == one.streams_last == streams
        ]
        return self._told(runs, past, lambda back, like: like.step(work, streams, back))

    def prompt(self, work: Work, tokens: int, past: int = 0) -> Estimate | None:
        """As `Basis.prompt`."""
        runs = [
            (float(one.usage.prompt_tokens), one.timings.prefill_s)
            for one in self._own()
            if one.usage.prompt_tokens >= LEARNED_PROMPT_TOKENS_MIN
            and one.usage.cached_tokens == 0
            and one.streams_first == 1
        ]
        return self._told(
            runs, float(tokens), lambda count, like: like.prompt(work, round(count), past)
        )

    @property
    def first_token_s(self) -> float:
        """As of the basis like it: runs tell the engine's own figures."""
        return 0.0 if self.like is None else self.like.first_token_s

    def load(self, work: Work, *, cold: bool) -> Estimate | None:
        """As `Basis.load`. A load is always of a like occasion."""
        seconds = [one.parts.total_s for one in self._loads(cold=cold)][-LAST_MAX:]
        if len(seconds) < LOADS_MIN:
            return None
        plain = None if self.like is None else self.like.load(work, cold=cold)
        if plain is None or len(seconds) >= RUNS_ENOUGH:
            return _of(seconds)
        return _corrected(plain, [one / plain.middle for one in seconds])

    def notes(self, work: Work) -> tuple[str, ...]:  # noqa: ARG002 - as `Basis`
        """As `Basis.notes`."""
        runs, loads = len(self._own()), len(self.loads)
        told = f"{_counted(loads, 'load')} and {_counted(runs, 'answer')}"
        seen = f"{told} of this model were measured here with settings like these"
        few = self.like is not None and max(runs, loads) < RUNS_ENOUGH
        return (f"{seen}; so few only correct what was estimated" if few else seen,)

    def _own(self) -> list[AnswerMeasured]:
        return [one for one in self.answers if one.usage.completion_tokens > 1]

    def _loads(self, *, cold: bool) -> list[LoadMeasured]:
        return [
            one
            for one in self.loads
            if one.disk_bytes is not None and one.file_bytes and _is(one, cold=cold)
        ]

    def _told(
        self,
        runs: Sequence[tuple[float, float]],
        asked: float,
        estimate: Callable[[float, Basis], Estimate | None],
    ) -> Estimate | None:
        """Of the last `runs` (length, seconds): what they say of the length `asked`."""
        runs = runs[-LAST_MAX:]
        near = [run for run in runs if is_alike(run[0], asked)]
        plain = None if self.like is None else estimate(asked, self.like)
        if self.like is None or plain is None:
            return _of([seconds for _, seconds in near]) if len(near) >= RUNS_MIN else None
        is_enough = len(near) >= RUNS_ENOUGH
        counted = near if is_enough else runs
        guesses = [(estimate(length, self.like), seconds) for length, seconds in counted]
        ratios = [seconds / one.middle for one, seconds in guesses if one is not None]
        if len(ratios) < RUNS_MIN:
            return None
        if is_enough:
            ratio = _of(ratios)
            return Estimate(plain.middle * ratio.middle, ratio.width)
        return _corrected(plain, ratios, _doublings(asked, [length for length, _ in counted]))


def experience(
    like: Basis | None,
    records: Iterable[LoadMeasured | AnswerMeasured],
    key: RunKey,
    now_unix_s: float,
) -> Experience:
    """What `records`, the oldest first, say of runs under `key`: those like it, not of long ago."""
    fresh = [one for one in records if one.unix_s >= now_unix_s - AGE_MAX_S]
    loads = [one for one in fresh if isinstance(one, LoadMeasured) and one.key == key]
    answers = [
        one for one in fresh if isinstance(one, AnswerMeasured) and one.key.is_as_fast_as(key)
    ]
    return Experience(like, loads, answers)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _is(one: LoadMeasured, *, cold: bool) -> bool:
    share = (one.disk_bytes or 0) / one.file_bytes
    return share >= COLD_SHARE if cold else share <= WARM_SHARE


def _doublings(asked: float, lengths: Sequence[float]) -> float:
    """How often the middle of `lengths` is doubled or halved to become `asked`."""
    middle = statistics.median(lengths)
    return abs(math.log2(asked / middle)) if asked > 0 and middle > 0 else 0.0


def _corrected(plain: Estimate, ratios: Sequence[float], doublings: float = 0.0) -> Estimate:
    """`plain` by the factor that `ratios` of measured to estimated speak for, no wider than it was.

    The estimate is off by a factor that is near 1, by as much as its width says, and each run by
    another one: what both say of it is weighed by how sure each is (as normal distributions are).
    """
    logs = [math.log(one) for one in ratios if one > 0]
    middle, count = statistics.median(logs), len(logs)
    usual = min(_USUAL_SPREAD, plain.width)
    squares = usual**2 + sum((one - middle) ** 2 for one in logs)
    spread = max(math.sqrt(squares / (count + 1)), _NARROWEST)
    believed = count * plain.width**2 / (count * plain.width**2 + spread**2)
    left = plain.width * math.sqrt(1.0 - believed)
    width = together(left, spread, doublings * _PER_DOUBLING)
    return Estimate(plain.middle * math.exp(believed * middle), min(width, plain.width))


def _of(figures: Sequence[float]) -> Estimate:
    """The middle of `figures`, and how far the next one may lie from it."""
    middle = statistics.median(figures)
    errors = [math.log(figure / middle) for figure in figures if figure > 0 and middle > 0]
    return Estimate(middle, max(width_of(errors), _NARROWEST))
