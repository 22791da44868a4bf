"""Speeds come from the best source there is; each figure that it lacks from the next one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.calibration import Calibration, Fit
from stoker.core.measurement import LoadMeasured, key_of
from stoker.core.plan import Device, DeviceKind, Plan
from stoker.core.request import ColdStart
from stoker.core.speed import Occasion, Speed, SpeedSource
from stoker.library.speeds import find_estimate
from stoker.planning.proposal.proposing import draft
from stoker.planning.speed.rough import rough_speed
from stoker.state.calibrations import save_calibration
from stoker.state.home import Home
from stoker.state.measurements import append, to_line
from stoker.testing.machines import MACHINES
from support.planning import ask

CPU = Device(DeviceKind.CPU, 32)
ERRORS = (-0.1, -0.05, 0.0, 0.02, 0.05, 0.1)
READ = {"q4_k": 2e-11, "q6_k": 2e-11}
CALIBRATION = Calibration(
    machine="laptop",
    engine="llamacpp",
    engine_version="1",
    threads=8,
    taken_unix_s=1,
    decode=Fit(tuple((f"read:{name}", price) for name, price in READ.items()), ERRORS),
    prefill=Fit(tuple((f"multiply:{name}", 1e-12) for name in READ), ERRORS),
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def plan() -> Plan:
    return replace(draft(ask("Llama-3.1-8B", "laptop")), threads=8)


def told(home: Home, plan: Plan, device: Device = CPU, machine: str = "laptop") -> Speed:
    return find_estimate(home)[0](plan, device, MACHINES[machine], Occasion())


def load(plan: Plan, seconds: float) -> bytes:
    parts = ColdStart(0.0, 0.0, seconds, 0.0)
    return to_line(LoadMeasured(key_of(plan), 1, plan.model.facts.file_bytes, 0, parts))


def test_without_anything_speeds_are_rough_and_the_plan_says_so(home: Home, plan: Plan) -> None:
    assert told(home, plan) == rough_speed(plan, CPU, MACHINES["laptop"], Occasion())
    assert "stoker calibrate" in find_estimate(home)[1][0]


def test_a_calibration_goes_before_the_bandwidth(home: Home, plan: Plan) -> None:
    save_calibration(home, CALIBRATION)
    speed = told(home, plan)
    assert find_estimate(home)[1] == ()
    assert speed.source is SpeedSource.CALIBRATION
    assert speed.decode_tok_s is not None
    assert speed.decode_tok_s.p50 == pytest.approx(1 / (7.5e9 * 2e-11), rel=0.1)


def test_runs_of_this_model_go_before_both_and_gaps_are_filled(home: Home, plan: Plan) -> None:
    for seconds in (2.0, 2.2, 2.1):
        append(home.measurements, load(plan, seconds))
    speed = told(home, plan)
    assert speed.source is SpeedSource.MEASURED
    assert speed.load_s is not None
    assert speed.load_s.p50 == pytest.approx(2.1)
    rough = rough_speed(plan, CPU, MACHINES["laptop"], Occasion())
    assert speed.decode_tok_s == rough.decode_tok_s
    assert "bandwidth" in speed.notes[-1]


def test_runs_of_another_model_say_nothing(home: Home, plan: Plan) -> None:
    other = draft(ask("Phi-4", "laptop"))
    for _ in range(3):
        append(home.measurements, load(other, 2.0))
    assert told(home, plan).load_s is None


def test_a_calibration_that_cannot_be_read_is_named(home: Home, plan: Plan) -> None:
    home.calibration.write_text("{}")
    assert told(home, plan).decode_tok_s is not None
    assert "calibration" in find_estimate(home)[1][0]


def test_a_gpu_is_estimated_by_its_bandwidth(home: Home, plan: Plan) -> None:
    save_calibration(home, CALIBRATION)
    gpu = Device(DeviceKind.GPU, 32, 0, 32, "RTX 4090")
    assert told(home, plan, gpu, "gaming").source is SpeedSource.PUBLISHED
