"""Predicted and measured side by side, over the runs of one model. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence

from stoker.core.estimate import Interval
from stoker.core.measurement import LoadMeasured
from stoker.core.outcome import FIGURES, Foreteller, Outcome, Run, past_tokens, told_by
from stoker.planning.speed.estimate import Basis, decode_tok_s, prefill_tok_s
from stoker.planning.speed.work import Work

Foretold = Mapping[str, Interval | None]
_Row = list[tuple[float, Interval | None]]


def outcomes_of(runs: Iterable[Run], foretell: Callable[[Run], Foretold]) -> tuple[Outcome, ...]:
    """Every figure that `runs` tell, beside what its plan promised of it, else `foretell`.

    Each interval is the run's own; a figure that was told of by several has one outcome for each.
    """
    rows: dict[tuple[str, Foreteller], _Row] = {}
    for run in runs:
        promises, told = dict(run.predicted), foretell(run)
        for name, value in told_by(run).items():
            interval = promises.get(name) or told.get(name)
            by = Foreteller.PLAN if name in promises else Foreteller.CALIBRATION
            key = (name, by if interval is not None else Foreteller.NOBODY)
            rows.setdefault(key, []).append((value, interval))
    order = sorted(rows, key=lambda key: (FIGURES.index(key[0]), list(Foreteller).index(key[1])))
    return tuple(_outcome(*key, rows[key]) for key in order)


def foretold(run: Run, work: Work, basis: Basis) -> Foretold:
    """What `basis` tells of the very case that `run` was."""
    if isinstance(run, LoadMeasured):
        loads = {"load_s": basis.load(work, cold=False), "load_cold_s": basis.load(work, cold=True)}
        return {name: one.interval() for name, one in loads.items() if one is not None}
    streams, past = max(run.streams_first, 1), past_tokens(run)
    figures: dict[str, Interval | None] = {
        "decode_tok_s" if streams == 1 else "stream_tok_s": decode_tok_s(work, basis, past, streams)
    }
    if run.usage.prompt_tokens:
        figures["prefill_tok_s"] = prefill_tok_s(work, basis, run.usage.prompt_tokens)
    return figures


def _outcome(name: str, by: Foreteller, row: _Row) -> Outcome:
    values = [value for value, _ in row]
    intervals = [interval for _, interval in row if interval is not None]
    inside = sum(value in interval for value, interval in row if interval is not None)
    return Outcome(name, by, len(row), statistics.median(values), _middle(intervals), inside)


def _middle(intervals: Sequence[Interval]) -> Interval | None:
    """The medians of each of the three; None of no intervals."""
    if not intervals:
        return None
    ends = [(one.p10, one.p50, one.p90) for one in intervals]
    return Interval(*(statistics.median(three) for three in zip(*ends, strict=True)))
