"""How earlier runs came out beside what was predicted of them, as lines for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stoker.core.estimate import Interval
from stoker.core.outcome import Foreteller, Outcome
from stoker.core.units import format_seconds
from stoker.planning.words import number

_NAMES = {
    "load_s": "load, file in memory",
    "load_cold_s": "load, from the disk",
    "prefill_tok_s": "prompt, tokens/s",
    "decode_tok_s": "one answer alone, tokens/s",
    "stream_tok_s": "each of several answers, tokens/s",
}
_BY = {
    Foreteller.PLAN: "by the plan",
    Foreteller.CALIBRATION: "by the calibration",
    Foreteller.NOBODY: "by nobody",
}
_SECONDS = frozenset({"load_s", "load_cold_s"})


def outcome_lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """One line for each figure: the median of its runs, and what was predicted of them."""
    names = [_NAMES.get(one.figure, one.figure) for one in outcomes]
    wide = max(map(len, names), default=0)
    for name, one in zip(names, outcomes, strict=True):
        runs = "1 run" if one.runs == 1 else f"{one.runs} runs"
        yield f"{name.ljust(wide)}  {_figure(one, one.measured)} in {runs}; {_predicted(one)}"


def _predicted(one: Outcome) -> str:
    interval = one.predicted
    if interval is None:
        return "not predicted"
    three = " / ".join(_figure(one, value) for value in _three(interval))
    return f"predicted {three} {_BY[one.by]}, {_share(one)}"


def _share(one: Outcome) -> str:
    if one.inside == one.runs:
        return "all inside"
    return f"{one.inside or 'none'} inside"


def _three(interval: Interval) -> tuple[float, float, float]:
    return interval.p10, interval.p50, interval.p90


def _figure(one: Outcome, value: float) -> str:
    return format_seconds(value) if one.figure in _SECONDS else number(value, 3)
