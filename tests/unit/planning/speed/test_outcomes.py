"""Predicted and measured stand side by side, each run beside what was predicted of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.calibration import Calibration, Fit
from stoker.core.estimate import Interval
from stoker.core.measurement import AnswerMeasured, LoadMeasured, RunKey
from stoker.core.outcome import Foreteller, Outcome, Run
from stoker.core.request import ColdStart, Timings, Usage
from stoker.planning.proposal.well_known import model_of
from stoker.planning.speed.calibrated import Calibrated
from stoker.planning.speed.outcomes import foretold, outcomes_of
from stoker.planning.speed.work import work_of
from support.planning import ENTRIES

KEY = RunKey("facts:a", "llamacpp", "xllamacpp 1 aa", 8, 4096, 4, 512, repack=True, kv_type="f16")
ERRORS = (-0.1, -0.05, 0.0, 0.02, 0.05, 0.1)
READ = tuple((f"read:{name}", 2e-11) for name in ("q4_k", "q6_k"))
CALIBRATION = Calibration(
    machine="m",
    engine="llamacpp",
    engine_version="1",
    threads=8,
    taken_unix_s=1,
    decode=Fit(READ, ERRORS),
    prefill=Fit((), ()),
    load=Fit((("load:q4_k", 1e-10), ("load:q6_k", 1e-10), ("start", 1.0)), ERRORS),
)
WORK = work_of(model_of(ENTRIES["Llama-3.1-8B"]).facts)


def load(seconds: float, *promised: float) -> LoadMeasured:
    run = LoadMeasured(KEY, 1, 1000, 0, ColdStart(0.0, 0.0, seconds, 0.0))
    return replace(run, predicted=(("load_s", Interval(*promised)),)) if promised else run


def answer(tok_s: float, streams: int = 1) -> AnswerMeasured:
    timings = Timings(0.0, 100 / tok_s, 0.0, 0.0)
    return AnswerMeasured(KEY, 1, Usage(10, 101), timings, streams, streams)


def nobody(_: Run) -> dict[str, Interval | None]:
    return {}


def test_each_run_is_held_to_its_own_promise() -> None:
    runs = [load(1.0, 0.5, 1.0, 1.5), load(2.0, 2.5, 3.0, 3.5), load(4.0, 3.0, 5.0, 6.0)]
    assert outcomes_of(runs, nobody) == (
        Outcome("load_s", Foreteller.PLAN, 3, 2.0, Interval(2.5, 3.0, 3.5), 2),
    )


def test_where_no_plan_promised_anything_the_calibration_is_held_to_it() -> None:
    told = {"load_s": Interval(1.0, 2.0, 3.0), "decode_tok_s": None}
    runs: list[Run] = [load(1.0, 0.5, 1.0, 1.5), load(9.0), answer(5.0)]
    outcomes = outcomes_of(runs, lambda _: told)
    assert [(one.figure, one.by, one.runs, one.inside) for one in outcomes] == [
        ("load_s", Foreteller.PLAN, 1, 1),
        ("load_s", Foreteller.CALIBRATION, 1, 0),
        ("decode_tok_s", Foreteller.NOBODY, 1, 0),
    ]


def test_a_calibration_is_asked_for_the_very_case_of_each_run() -> None:
    basis = Calibrated(CALIBRATION, threads=8)
    alone, four = foretold(answer(5.0), WORK, basis), foretold(answer(5.0, 4), WORK, basis)
    assert alone["decode_tok_s"] is not None
    assert alone["decode_tok_s"].p50 == pytest.approx(1 / (7.5e9 * 2e-11), rel=0.1)
    assert set(four) == {"stream_tok_s", "prefill_tok_s"}
    loads = foretold(load(1.0), WORK, basis)
    assert loads["load_s"] is not None
    assert loads["load_s"].p50 == pytest.approx(1.0 + 8e9 * 1e-10, rel=0.1)


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=20), st.floats(0.01, 1e6))
def test_what_is_inside_is_never_more_than_there_was(seconds: list[float], middle: float) -> None:
    promised = (middle / 2, middle, middle * 2)
    (outcome,) = outcomes_of([load(one, *promised) for one in seconds], nobody)
    assert outcome.runs == len(seconds)
    assert outcome.inside == sum(middle / 2 <= one <= middle * 2 for one in seconds)
    assert min(seconds) <= outcome.measured <= max(seconds)
    assert outcome.predicted == Interval(*promised)
