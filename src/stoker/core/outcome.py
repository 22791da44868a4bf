"""Whether what was predicted of runs came true: the figures that a run tells, and who told before.

A run tells a figure only where it is like what the figure is about: one answer alone, a prompt that
was read whole, a load that came from the disk or did not.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

from stoker.core.estimate import Interval
from stoker.core.measurement import AnswerMeasured, LoadMeasured, Predicted
from stoker.core.speed import Speed

# A load is cold where most of the file came from the disk, warm where next to nothing did.
COLD_SHARE, WARM_SHARE = 0.5, 0.05
# Shorter ones say more about the moment, and about the request's way, than about the model.
ANSWER_TOKENS_MIN, PROMPT_TOKENS_MIN = 8, 128
# How much longer or shorter than another occasion one may be, to tell of it.
ALIKE = 1.5

Run = LoadMeasured | AnswerMeasured


class Foreteller(StrEnum):
    """Who predicted a figure."""

    PLAN = "plan"  # the written plan that was being run
    CALIBRATION = "calibration"  # this machine's calibration, which rests on no run of the model
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One figure of `core.speed.Speed` in `runs` runs: the median of them, and what was predicted.

    Seconds, or tokens a second. `predicted` has the medians of what was predicted of each run, None
    where nobody did; `inside` counts the runs that lay within their own interval.
    """

    figure: str
    by: Foreteller
    runs: int
    measured: float
    predicted: Interval | None = None
    inside: int = 0

    @property
    def held(self) -> bool | None:
        """Whether the median lies within the prediction; None without one."""
        return None if self.predicted is None else self.measured in self.predicted


def told_by(run: Run) -> dict[str, float]:
    """What `run` tells, by the names of `Speed`'s figures."""
    return _told_by_load(run) if isinstance(run, LoadMeasured) else _told_by_answer(run)


def promised(speed: Speed | None, run: Run) -> Predicted:
    """Of `speed`, which a plan promised, the figures that are about `run`."""
    if speed is None:
        return ()
    told = [name for name in told_by(run) if _is_about(speed, name, run)]
    found = ((name, getattr(speed, name)) for name in told)
    return tuple((name, interval) for name, interval in found if interval is not None)


def past_tokens(run: AnswerMeasured) -> float:
    """How many tokens lay behind the answer, in its middle."""
    return run.usage.prompt_tokens + run.usage.completion_tokens / 2


def is_alike(one: float, other: float) -> bool:
    """Whether occasions of so many tokens are near enough for one to tell of the other."""
    return max(one, other) <= ALIKE * min(one, other)


def _told_by_load(run: LoadMeasured) -> dict[str, float]:
    if run.disk_bytes is None or not run.file_bytes or run.parts.total_s <= 0:
        return {}
    share = run.disk_bytes / run.file_bytes
    names = {"load_cold_s": share >= COLD_SHARE, "load_s": share <= WARM_SHARE}
    return {name: run.parts.total_s for name, true in names.items() if true}


def _told_by_answer(run: AnswerMeasured) -> dict[str, float]:
    usage, timings, told = run.usage, run.timings, dict[str, float]()
    streams = run.streams_first
    whole = usage.cached_tokens == 0 and usage.prompt_tokens >= PROMPT_TOKENS_MIN
    if whole and streams == 1 and timings.prefill_s > 0:
        told["prefill_tok_s"] = usage.prompt_tokens / timings.prefill_s
    steps = usage.completion_tokens - 1
    if steps >= ANSWER_TOKENS_MIN and streams == run.streams_last and timings.decode_s > 0:
        told["decode_tok_s" if streams == 1 else "stream_tok_s"] = steps / timings.decode_s
    return told


def _is_about(speed: Speed, name: str, run: Run) -> bool:
    """Whether the promised figure `name` is about what `run` was."""
    occasion = speed.occasion
    if isinstance(run, LoadMeasured):
        return True
    if name == "prefill_tok_s":
        return is_alike(occasion.prompt_tokens, run.usage.prompt_tokens)
    alike = is_alike(occasion.context, past_tokens(run))
    return alike and (name == "decode_tok_s" or occasion.streams == run.streams_first)


FIGURES = tuple(one.name for one in fields(Speed) if one.name.endswith("_s"))
