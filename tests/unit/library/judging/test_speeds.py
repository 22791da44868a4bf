"""Speeds come from the best source there is; each figure that it lacks from the next one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stoker.core.calibration import Calibration, Fit
from stoker.core.measurement import AnswerMeasured, LoadMeasured, RunKey, key_of
from stoker.core.model import Task
from stoker.core.plan import Device, DeviceKind, Plan
from stoker.core.request import ColdStart, Timings, Usage
from stoker.core.speed import Occasion, Speed, SpeedSource
from stoker.engines.registry import engine_version
from stoker.library.judging.speeds import DISTURBED, estimate_elsewhere, find_estimate
from stoker.machine.measured.conditions import conditions_of, mark_of
from stoker.machine.presets import find_preset
from stoker.planning.proposal.proposing import draft
from stoker.state.calibrations import save_calibration
from stoker.state.home import Home
from stoker.state.measurements import append, to_line
from stoker.testing.machines import MACHINES
from support.planning import ask

CPU = Device(DeviceKind.CPU, 32)
GPU = Device(DeviceKind.GPU, 32, 0, 32, "RTX 4090")
HALF = Device(DeviceKind.SPLIT, 32, 0, 16, "RTX 4090")
ERRORS = (-0.1, -0.05, 0.0, 0.02, 0.05, 0.1)
READ = {"q4_k": 2e-11, "q6_k": 2e-11}
HERE = conditions_of(MACHINES["laptop"], engine_version())
NOW = 2_000_000_000
CALIBRATION = Calibration(
    machine="laptop",
    engine="llamacpp",
    engine_version=engine_version(),
    threads=8,
    conditions=HERE,
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
    estimate, _ = find_estimate(home, MACHINES["laptop"], now_unix_s=NOW)
    return estimate(plan, device, MACHINES[machine], Occasion())


def missing(home: Home) -> tuple[str, ...]:
    return find_estimate(home, MACHINES["laptop"])[1]


def key(plan: Plan) -> RunKey:
    return key_of(plan, mark_of(HERE))


def load(plan: Plan, seconds: float) -> bytes:
    parts = ColdStart(0.0, 0.0, seconds, 0.0)
    return to_line(LoadMeasured(key(plan), NOW, plan.model.facts.file_bytes, 0, parts))


def answer(plan: Plan, step_s: float) -> bytes:
    timings = Timings(2.0, 99 * step_s, 0.0, 0.0)
    return to_line(AnswerMeasured(key(plan), NOW, Usage(500, 100), timings, 1, 1))


def test_without_anything_of_ones_own_speeds_are_as_published_and_the_plan_says_so(
    home: Home, plan: Plan
) -> None:
    speed = told(home, plan)
    assert speed == estimate_elsewhere(plan, CPU, MACHINES["laptop"], Occasion())
    assert speed.source is SpeedSource.PUBLISHED
    assert "stoker calibrate" in missing(home)[0]


def test_a_calibration_goes_before_what_was_published(home: Home, plan: Plan) -> None:
    save_calibration(home, CALIBRATION)
    speed = told(home, plan)
    assert missing(home) == ()
    assert speed.source is SpeedSource.CALIBRATION
    assert speed.decode_tok_s is not None
    assert speed.decode_tok_s.p50 == pytest.approx(1 / (7.5e9 * 2e-11), rel=0.1)


def test_a_plan_without_rewritten_weights_is_less_certain(home: Home, plan: Plan) -> None:
    save_calibration(home, CALIBRATION)
    usual, plain = told(home, plan).decode_tok_s, told(home, replace(plan, repack=False))
    assert usual is not None
    assert plain.decode_tok_s is not None
    assert plain.decode_tok_s.p90 / plain.decode_tok_s.p10 > usual.p90 / usual.p10
    assert any("rewritten" in note for note in plain.notes)


def test_a_plan_with_another_cache_is_less_certain(home: Home, plan: Plan) -> None:
    save_calibration(home, CALIBRATION)
    usual, small = told(home, plan).decode_tok_s, told(home, replace(plan, kv_type="q8_0"))
    assert usual is not None
    assert small.decode_tok_s is not None
    assert small.decode_tok_s.p90 / small.decode_tok_s.p10 > usual.p90 / usual.p10
    assert any("q8_0" in note for note in small.notes)


def test_a_smaller_cache_is_read_faster_where_nothing_is_calibrated(home: Home, plan: Plan) -> None:
    usual, small = told(home, plan).decode_tok_s, told(home, replace(plan, kv_type="q4_0"))
    assert usual is not None
    assert small.decode_tok_s is not None
    assert small.decode_tok_s.p50 > usual.p50


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cores": "4"}, "cores"),
        ({"engine": "xllamacpp 0"}, "engine"),
        ({"kernel": "Linux 2.0"}, "kernel"),
        ({"cpu": "another", "cores": "4"}, "cpu, cores"),
    ],
)
def test_a_calibration_of_another_machine_or_engine_is_missing_with_its_reason(
    home: Home, plan: Plan, changes: dict[str, str], named: str
) -> None:
    conditions = tuple({**dict(HERE), **changes}.items())
    save_calibration(home, replace(CALIBRATION, conditions=conditions))
    assert told(home, plan) == estimate_elsewhere(plan, CPU, MACHINES["laptop"], Occasion())
    (said,) = missing(home)
    assert f"another {named}: `stoker calibrate`" in said


@pytest.mark.parametrize(
    "changes",
    [
        {"repack": False},
        {"kv_type": "q4_0"},
        {"micro_batch": 32},
        {"conditions": "xllamacpp 0 00"},
    ],
)
def test_what_other_plans_took_replaces_no_estimate(
    home: Home, plan: Plan, changes: dict[str, Any]
) -> None:
    save_calibration(home, CALIBRATION)
    plainly = told(home, plan)
    other = replace(key(plan), **changes)
    for _ in range(9):
        timings = Timings(500.0, 99.0, 0.0, 0.0)
        record = AnswerMeasured(other, NOW, Usage(500, 100), timings, 1, 1)
        append(home.measurements, to_line(record))
    assert told(home, plan) == replace(plainly, notes=told(home, plan).notes)


@pytest.mark.parametrize("first", ["by its path", "by its digest"])
def test_one_model_is_found_by_its_path_and_by_its_digest(
    home: Home, plan: Plan, first: str
) -> None:
    facts = replace(plan.model.facts, digest="sha256:" + "a" * 64)
    stored = replace(plan, model=replace(plan.model, facts=facts))
    ran, planned = (plan, stored) if first == "by its path" else (stored, plan)
    for _ in range(3):
        append(home.measurements, answer(ran, 0.25))
    assert told(home, planned).source_of("decode_tok_s") is SpeedSource.MEASURED


def test_a_model_that_makes_vectors_writes_nothing(home: Home, plan: Plan) -> None:
    save_calibration(home, CALIBRATION)
    facts = replace(plan.model.facts, task=Task.EMBED, causal=False)
    speed = told(home, replace(plan, model=replace(plan.model, facts=facts)))
    assert speed.prefill_tok_s is not None
    assert (speed.ttft_s, speed.decode_tok_s, speed.total_tok_s) == (None, None, None)
    assert "decode_tok_s" not in dict(speed.sources)


def test_a_measured_load_is_no_measured_speed(home: Home, plan: Plan) -> None:
    for seconds in (2.0, 2.2, 2.1):
        append(home.measurements, load(plan, seconds))
    speed = told(home, plan)
    published = estimate_elsewhere(plan, CPU, MACHINES["laptop"], Occasion())
    assert speed.source is SpeedSource.PUBLISHED
    assert speed.load_s is not None
    assert speed.load_s.p50 == pytest.approx(2.1)
    assert speed.decode_tok_s == published.decode_tok_s
    assert speed.source_of("load_s") is SpeedSource.MEASURED
    assert any("load: measured" in note for note in speed.notes)


@pytest.mark.parametrize("calibrated", [True, False])
def test_answers_of_this_model_go_before_both(home: Home, plan: Plan, *, calibrated: bool) -> None:
    if calibrated:
        save_calibration(home, CALIBRATION)
    for _ in range(3):
        append(home.measurements, answer(plan, 0.25))
    speed = told(home, plan)
    assert speed.source is SpeedSource.MEASURED
    assert speed.decode_tok_s is not None
    assert speed.decode_tok_s.p50 == pytest.approx(4.0, rel=0.2)


def test_runs_of_another_model_say_nothing(home: Home, plan: Plan) -> None:
    other = draft(ask("Phi-4", "laptop"))
    for _ in range(3):
        append(home.measurements, load(other, 2.0))
    assert told(home, plan).load_s is None


def test_a_calibration_of_an_engine_that_nobody_knows_is_missing(home: Home, plan: Plan) -> None:
    conditions = tuple({**dict(HERE), "engine": "other 1"}.items())
    save_calibration(home, replace(CALIBRATION, engine="other", conditions=conditions))
    assert told(home, plan).source is SpeedSource.PUBLISHED
    assert "another engine" in missing(home)[0]


def test_a_calibration_that_cannot_be_read_is_named(home: Home, plan: Plan) -> None:
    home.calibration.write_text("{}")
    assert told(home, plan).decode_tok_s is not None
    assert "calibration" in missing(home)[0]


def test_a_gpu_of_this_machine_is_estimated_by_what_was_published_of_its_kind(
    home: Home, plan: Plan
) -> None:
    save_calibration(home, CALIBRATION)
    append(home.measurements, answer(plan, 0.25))
    speed = told(home, plan, GPU, "gaming")
    assert speed == estimate_elsewhere(plan, GPU, MACHINES["gaming"], Occasion())
    assert speed.source is SpeedSource.PUBLISHED
    assert speed.decode_tok_s is not None
    assert 100 < speed.decode_tok_s.p50 < 160


def test_a_split_takes_the_gpus_time_and_this_processors(home: Home, plan: Plan) -> None:
    """Runs on the processor alone say nothing of a part of the model, so they are left out."""
    save_calibration(home, CALIBRATION)
    for _ in range(5):
        append(home.measurements, answer(plan, 9.0))
    cpu = 1 / told(Home(home.root / "none"), plan, CPU, "gaming").decode_tok_s.p50  # type: ignore[union-attr]
    gpu = told(home, plan, GPU, "gaming").decode_tok_s
    half = told(home, plan, HALF, "gaming")
    published = estimate_elsewhere(plan, HALF, MACHINES["gaming"], Occasion())
    assert gpu is not None
    assert half.decode_tok_s is not None
    assert published.decode_tok_s is not None
    calibrated_s = 1 / half.decode_tok_s.p50
    assert calibrated_s == pytest.approx(0.5 * 7.5e9 * 2e-11 + 0.5 / gpu.p50, rel=0.15)
    assert 1 / published.decode_tok_s.p50 == pytest.approx(0.5 * cpu + 0.5 / gpu.p50, rel=0.15)
    assert half.load_s is None
    assert half.source is SpeedSource.PUBLISHED


@pytest.mark.parametrize(
    ("preset", "model", "published_tok_s"),
    [
        ("rtx-4090", "Llama-3.1-8B", 130.6),
        ("rtx-3070", "Llama-3.1-8B", 72.8),
        ("m2-ultra", "Llama-3.1-8B", 78.8),
        ("ryzen-7840hs", "Qwen3-8B", 12.27),
    ],
)
def test_presets_decode_about_as_fast_as_was_published(
    preset: str, model: str, published_tok_s: float
) -> None:
    machine = find_preset(preset).machine
    plan = replace(draft(ask(model, "server")), threads=machine.cores)
    layers = plan.model.facts.layers
    device = Device(DeviceKind.GPU, layers, 0, layers) if machine.gpus else Device(layers=layers)
    speed = estimate_elsewhere(plan, device, machine, Occasion(context=256))
    assert speed.source is SpeedSource.PUBLISHED
    assert speed.decode_tok_s is not None
    assert published_tok_s in speed.decode_tok_s
    assert speed.decode_tok_s.p50 == pytest.approx(published_tok_s, rel=0.2)


def test_a_kind_of_gpu_that_nobody_published_borrows_and_says_so(plan: Plan) -> None:
    speed = estimate_elsewhere(plan, GPU, find_preset("rx-7900-xtx").machine, Occasion())
    assert speed.source is SpeedSource.PUBLISHED
    assert any("overheads of cuda" in note for note in speed.notes)
    assert speed.decode_tok_s is not None
    assert speed.decode_tok_s.p90 / speed.decode_tok_s.p10 > 2
    unknown = estimate_elsewhere(plan, CPU, MACHINES["unmeasured"], Occasion())
    assert (unknown.source, unknown.decode_tok_s) == (SpeedSource.UNKNOWN, None)


def test_a_calibration_that_others_disturbed_is_wider_and_said_to_be(
    home: Home, plan: Plan
) -> None:
    save_calibration(home, CALIBRATION)
    calm = told(home, plan)
    save_calibration(home, disturbed(0.5))
    busy = told(home, plan)
    _, missing = find_estimate(home, MACHINES["laptop"], now_unix_s=NOW)
    assert calm.decode_tok_s is not None
    assert busy.decode_tok_s is not None
    assert busy.decode_tok_s.p50 == pytest.approx(calm.decode_tok_s.p50)
    assert busy.decode_tok_s.p90 > 1.3 * calm.decode_tok_s.p90
    assert any("disturbed" in note for note in busy.notes)
    assert missing == (DISTURBED,)


def test_published_speeds_go_before_a_calibration_that_says_less(home: Home, plan: Plan) -> None:
    save_calibration(home, disturbed(2.0))
    speed = told(home, plan)
    assert speed.source_of("decode_tok_s") is SpeedSource.PUBLISHED


def disturbed(width: float) -> Calibration:
    decode = replace(CALIBRATION.decode, disturbed_width=width)
    return replace(CALIBRATION, decode=decode, disturbed=3)
