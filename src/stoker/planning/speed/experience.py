"""What earlier runs of a model took, in place of what was estimated of it.

Pure. Where another basis knows how seconds depend on length and streams, the runs say by which
factor it is off for this model; where none does, what was measured of a like occasion stands by
itself. The interval is as wide as the runs differ from each other. What too few runs say is left to
others.
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
from stoker.planning.speed.spread import Estimate, width_of
from stoker.planning.speed.work import Work

# Fewer runs than this say more about the moment than about the model.
RUNS_MIN, LOADS_MIN = 3, 2
# A shorter prompt is mostly the request's own way; runs are held against plans from longer ones on.
LEARNED_PROMPT_TOKENS_MIN = 32
# The key tells engine, kernel and processor. What it does not tell comes slowly, and stays: dust,
# firmware, another memory module, a program that now runs all day. So runs of the last quarter
# count, and of those the last; the median follows once half of these are new.
AGE_MAX_S, LAST_MAX = 90 * 86400, 32
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

    def load(self, work: Work, *, cold: bool) -> Estimate | None:  # noqa: ARG002 - as `Basis`
        """As `Basis.load`."""
        seconds = [one.parts.total_s for one in self._loads(cold=cold)][-LAST_MAX:]
        return _of(seconds) if len(seconds) >= LOADS_MIN else None

    def notes(self, work: Work) -> tuple[str, ...]:  # noqa: ARG002 - as `Basis`
        """As `Basis.notes`."""
        runs, loads = len(self._own()), len(self.loads)
        return (f"{loads} loads and {runs} answers of this model were measured here",)

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
        plain = None if self.like is None else estimate(asked, self.like)
        if self.like is None or plain is None:
            near = [s for length, s in runs if is_alike(length, asked)]
            return _of(near) if len(near) >= RUNS_MIN else None
        guesses = [(estimate(length, self.like), seconds) for length, seconds in runs]
        ratios = [seconds / one.middle for one, seconds in guesses if one is not None]
        if len(ratios) < RUNS_MIN:
            return None
        ratio = _of(ratios)
        return Estimate(plain.middle * ratio.middle, ratio.width)


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


def _is(one: LoadMeasured, *, cold: bool) -> bool:
    share = (one.disk_bytes or 0) / one.file_bytes
    return share >= COLD_SHARE if cold else share <= WARM_SHARE


def _of(figures: Sequence[float]) -> Estimate:
    """The middle of `figures`, and how far the next one may lie from it."""
    middle = statistics.median(figures)
    errors = [math.log(figure / middle) for figure in figures if figure > 0 and middle > 0]
    return Estimate(middle, max(width_of(errors), _NARROWEST))
