"""Measuring goes on when one thing cannot be measured, and says why it could not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.errors import LoadFailedError
from stoker.core.machine import Machine
from stoker.machine.measured import measuring
from stoker.machine.measured.conditions import conditions_of
from stoker.machine.measured.measuring import MATMUL_TYPES, STEPS, Instruments, measure
from stoker.machine.measured.passes import CannotMeasureError

MACHINE = Machine(2, 1 << 36, 1 << 35, cpu="A")
RATES = {"Q4_0": (3e11, 4e11), "Q8_0": (2e11,), "F16": (1e11, 1e11), "Q4_K": (3e11,)}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is really measured."""
    monkeypatch.setattr(
        measuring.bandwidth, "measure_memory", lambda *_: ((8.0, 10.0), (20.0, 20.0))
    )
    monkeypatch.setattr(measuring, "measure_reading", lambda *_: (5.0, 4.0))


def multiply(_: Machine, kinds: Sequence[str]) -> Mapping[str, Sequence[float]]:
    return {kind: RATES[kind] for kind in kinds}


def instruments(tmp_path: Path, engine: measuring.Multiply = multiply) -> Instruments:
    return Instruments(tmp_path / "models", engine, "engine 1")


def test_each_figure_is_its_best_pass_with_its_spread(tmp_path: Path) -> None:
    steps: list[str] = []
    measured = measure(MACHINE, instruments(tmp_path), steps.append, now=lambda: 7.9)
    assert tuple(steps) == STEPS
    assert measured.read_bytes_s_one == 10.0
    assert measured.read_bytes_s_all == 20.0
    assert dict(measured.matmul_ops_s) == {kind: max(RATES[kind]) for kind in MATMUL_TYPES}
    assert measured.disk_read_bytes_s == 5.0
    assert dict(measured.spread)["read_one"] == pytest.approx(0.1)
    assert dict(measured.spread)["matmul_F16"] == 0
    assert (measured.taken_unix_s, measured.missing) == (7, ())
    assert measured.conditions == conditions_of(MACHINE, "engine 1")
    assert measured.contention is None or 0 <= measured.contention <= 1


def test_what_fails_is_missing_with_its_reason_and_the_rest_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Mapping[str, Sequence[float]]:
        raise LoadFailedError("no engine here")

    def full(*_: object) -> tuple[float, ...]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(measuring, "measure_reading", full)
    measured = measure(MACHINE, instruments(tmp_path, broken))
    missing = dict(measured.missing)
    assert missing["matmul_Q4_0"] == missing["matmul_F16"] == "no engine here"
    assert "No space left" in missing["disk_read"]
    assert (measured.matmul_ops_s, measured.disk_read_bytes_s) == ((), None)
    assert measured.read_bytes_s_one == 10.0


def test_a_format_that_came_too_late_is_missing_alone(tmp_path: Path) -> None:
    measured = measure(MACHINE, instruments(tmp_path, lambda *_: {"Q4_0": (1e11,), "Q8_0": ()}))
    assert measured.matmul_ops_s == (("Q4_0", 1e11),)
    assert set(dict(measured.missing)) == {"matmul_Q8_0", "matmul_F16", "matmul_Q4_K"}


def test_a_machine_without_free_memory_measures_the_rest(tmp_path: Path) -> None:
    poor = replace(MACHINE, memory_available_bytes=1)
    measured = measure(poor, instruments(tmp_path))
    assert "too little memory" in dict(measured.missing)["read_all"]
    assert measured.disk_read_bytes_s == 5.0


def test_a_store_that_cannot_be_made_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    blocked = replace(instruments(tmp_path), store=tmp_path / "file" / "models")
    assert "disk_read" in dict(measure(MACHINE, blocked).missing)


def test_an_interrupt_is_no_reason(tmp_path: Path) -> None:
    def interrupted(*_: object) -> Mapping[str, Sequence[float]]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(MACHINE, instruments(tmp_path, interrupted))


def test_a_reason_is_in_words(tmp_path: Path) -> None:
    def silent(*_: object) -> Mapping[str, Sequence[float]]:
        raise CannotMeasureError

    missing = dict(measure(MACHINE, instruments(tmp_path, silent)).missing)
    assert missing["matmul_F16"] == "CannotMeasureError"
