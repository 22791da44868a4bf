"""Plans and advice look at one machine with the same eyes."""

from __future__ import annotations

from pathlib import Path

import pytest

from stoker.core.advice import Advice
from stoker.core.calibration import Calibration, Fit
from stoker.core.speed import SpeedSource
from stoker.engines.registry import engine_version
from stoker.library.judging.advising import suggest_runtime
from stoker.library.judging.planning import Order, what_runs
from stoker.library.judging.surroundings import survey
from stoker.machine.measured.conditions import conditions_of
from stoker.state.calibrations import save_calibration
from stoker.state.home import Home
from stoker.testing.machines import MACHINES


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path))
    return Home(tmp_path)


def test_another_machine_brings_its_gpus_and_lacks_nothing(home: Home) -> None:
    around = survey(home, MACHINES["gaming"])
    assert around.machine is MACHINES["gaming"]
    assert around.elsewhere
    assert around.missing == ()


def test_this_machine_says_what_was_never_measured_of_it(home: Home) -> None:
    around = survey(home, gpus=False)
    assert not around.elsewhere
    assert around.machine.gpus == ()
    assert any("calibration" in one for one in around.missing)
    assert any("measurements of this machine" in one for one in around.missing)


@pytest.mark.slow
@pytest.mark.parametrize("machine", ["laptop", "gaming", "mac"])
def test_advice_and_a_plan_without_a_model_agree(machine: str) -> None:
    rows = what_runs(Order((), machine=MACHINES[machine])).rows
    listed = {(row.name, row.quantization): row for row in rows}
    advice: Advice = suggest_runtime(machine=MACHINES[machine])
    assert advice.options
    for option in advice.options:
        row = listed[option.name, option.quantization]
        assert (option.memory_bytes, option.fit) == (row.total_bytes, row.verdict)
        assert option.stream_tok_s == row.decode_tok_s
        assert option.ttft_s == row.ttft_s


def test_on_this_machine_both_use_its_calibration(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "stoker.library.judging.surroundings.known_machine",
        lambda *_, **__: (MACHINES["laptop"], ()),
    )
    families = ("q4_k", "q6_k", "mxfp4")
    errors = (-0.1, 0.0, 0.05, 0.1)
    calibration = Calibration(
        machine="laptop",
        engine="llamacpp",
        engine_version=engine_version(),
        conditions=conditions_of(MACHINES["laptop"], engine_version()),
        threads=8,
        taken_unix_s=1,
        decode=Fit(tuple((f"read:{name}", 2e-11) for name in families), errors),
        prefill=Fit(tuple((f"multiply:{name}", 1e-12) for name in families), errors),
    )
    save_calibration(home, calibration)
    rows = what_runs(Order(())).rows
    listed = {(row.name, row.quantization): row for row in rows}
    advice = suggest_runtime()
    assert {one.speed_source for one in advice.options} == {SpeedSource.CALIBRATION}
    for option in advice.options:
        row = listed[option.name, option.quantization]
        assert option.stream_tok_s == row.decode_tok_s
        assert option.memory_bytes == row.total_bytes
    assert not any("calibration" in one for one in advice.missing)


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (("contention",), "other programs disturbed them, and it is calm now: `stoker machine"),
        (("nothing measured",), "nothing measured: `stoker machine`"),
        (("engine", "kernel"), "they were taken with another engine, kernel: `stoker machine`"),
    ],
)
def test_why_measurements_are_missing_is_said_with_what_helps(
    home: Home, monkeypatch: pytest.MonkeyPatch, reasons: tuple[str, ...], said: str
) -> None:
    monkeypatch.setattr(
        "stoker.library.judging.surroundings.known_machine",
        lambda *_, **__: (MACHINES["laptop"], reasons),
    )
    missing = survey(home).missing
    assert any(one.startswith(f"measurements of this machine: {said}") for one in missing)


def test_where_all_is_measured_nothing_of_it_is_missing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "stoker.library.judging.surroundings.known_machine",
        lambda *_, **__: (MACHINES["laptop"], ()),
    )
    assert not any("measurements" in one for one in survey(home).missing)
