"""What ran here is found under every name that its runs may have, beside what was foretold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.calibration import Calibration, Fit
from stoker.core.estimate import Interval
from stoker.core.measurement import AnswerMeasured, LoadMeasured, key_of
from stoker.core.model import ModelFacts
from stoker.core.outcome import Foreteller, Outcome
from stoker.core.plan import Plan
from stoker.core.request import ColdStart, Timings, Usage
from stoker.library.judging.outcomes import ANSWERS_MAX, find_outcomes
from stoker.machine.measured.conditions import mark_of
from stoker.planning.proposal.proposing import draft
from stoker.state.calibrations import save_calibration
from stoker.state.home import Home
from stoker.state.measurements import Measurements, Record, to_line
from support.planning import ask

DIGEST = "sha256:" + "a" * 64
CONDITIONS = (("cpu", "one"), ("engine", "xllamacpp 1"))
MARK = mark_of(CONDITIONS)
ERRORS = (-0.1, -0.05, 0.0, 0.02, 0.05, 0.1)
CALIBRATION = Calibration(
    machine="laptop",
    engine="llamacpp",
    engine_version="1",
    threads=8,
    conditions=CONDITIONS,
    taken_unix_s=1,
    decode=Fit((("read:q4_k", 2e-11), ("read:q6_k", 2e-11)), ERRORS),
    prefill=Fit((), ()),
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def plan() -> Plan:
    return replace(draft(ask("Llama-3.1-8B", "laptop")), threads=8)


def hashed(plan: Plan) -> Plan:
    model = plan.model
    return replace(plan, model=replace(model, facts=replace(model.facts, digest=DIGEST)))


def keep(home: Home, *records: Record) -> None:
    home.measurements.write_bytes(b"".join(map(to_line, records)))


def outcomes(home: Home, facts: ModelFacts) -> tuple[Outcome, ...]:
    return find_outcomes(home, Measurements(home.measurements), facts)


def answer(plan: Plan, tok_s: float, at: int = 1) -> AnswerMeasured:
    return AnswerMeasured(
        key_of(plan, MARK), at, Usage(10, 101), Timings(0.0, 100 / tok_s, 0.0, 0.0), 1, 1
    )


def test_a_model_that_never_ran_here_has_none(home: Home, plan: Plan) -> None:
    assert outcomes(home, plan.model.facts) == ()


def test_without_a_calibration_what_was_measured_is_told_alone(home: Home, plan: Plan) -> None:
    keep(home, answer(plan, 5.0), answer(plan, 7.0), answer(plan, 9.0))
    (outcome,) = outcomes(home, plan.model.facts)
    assert (outcome.by, outcome.runs, outcome.predicted) == (Foreteller.NOBODY, 3, None)
    assert outcome.measured == pytest.approx(7.0)


def test_the_calibration_is_held_to_runs_that_nobody_had_planned(home: Home, plan: Plan) -> None:
    save_calibration(home, CALIBRATION)
    keep(home, answer(plan, 6.7), answer(plan, 1.0))
    (outcome,) = outcomes(home, plan.model.facts)
    assert (outcome.by, outcome.runs, outcome.inside) == (Foreteller.CALIBRATION, 2, 1)
    other = replace(answer(plan, 6.7), key=replace(key_of(plan, MARK), conditions="xllamacpp 2 00"))
    keep(home, other)
    assert outcomes(home, plan.model.facts)[0].by is Foreteller.NOBODY


def test_runs_from_before_its_file_was_hashed_are_its_own(home: Home, plan: Plan) -> None:
    keep(home, answer(plan, 5.0), answer(hashed(plan), 7.0))
    assert outcomes(home, hashed(plan).model.facts)[0].runs == 2


def test_the_last_runs_are_told_and_loads_with_what_their_plan_promised(
    home: Home, plan: Plan
) -> None:
    load = LoadMeasured(key_of(plan, MARK), 1, 1000, 0, ColdStart(0.0, 0.0, 2.0, 0.0))
    load = replace(load, predicted=(("load_s", Interval(1.0, 2.0, 3.0)),))
    old = [answer(plan, 1.0)] * ANSWERS_MAX
    keep(home, load, *old, *(answer(plan, 5.0, at=2) for _ in range(ANSWERS_MAX)))
    loaded, answered = outcomes(home, plan.model.facts)
    assert (loaded.by, loaded.held, loaded.inside) == (Foreteller.PLAN, True, 1)
    assert (answered.runs, answered.measured) == (ANSWERS_MAX, pytest.approx(5.0))


def test_a_calibration_that_cannot_be_read_costs_the_prediction_alone(
    home: Home, plan: Plan
) -> None:
    home.calibration.write_text("{}")
    keep(home, answer(plan, 5.0))
    assert outcomes(home, plan.model.facts)[0].by is Foreteller.NOBODY
