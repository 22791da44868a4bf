"""This machine, measured once: kept, used again, and measured anew for a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.calibration import Calibration, Fit
from stoker.core.machine import Machine, Measured
from stoker.core.power import Power
from stoker.library import machine as library
from stoker.library.machine import known_machine, measured_machine, power_here
from stoker.machine.measured.conditions import conditions_of
from stoker.machine.measured.measuring import Instruments
from stoker.machine.measured.passes import CannotMeasureError
from stoker.state.calibrations import save_calibration
from stoker.state.home import Home


class Counting:
    """Stands in for `measure`: each time another figure."""

    def __init__(self) -> None:
        self.times = 0
        self.contention = 0.0

    def __call__(
        self, machine: Machine, instruments: Instruments, on_step: Callable[[str], None]
    ) -> Measured:
        self.times += 1
        on_step("memory")
        return Measured(
            read_bytes_s_one=float(self.times),
            taken_unix_s=self.times,
            conditions=conditions_of(machine, instruments.engine),
            contention=self.contention,
        )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Counting:
    counting = Counting()
    monkeypatch.setattr(library, "measure", counting)
    return counting


def test_it_is_measured_once_and_kept_privately(home: Home, measure: Counting) -> None:
    assert known_machine(home)[1] == ("nothing measured",)
    steps: list[str] = []
    first = measured_machine(home, on_step=steps.append)
    again = measured_machine(home, on_step=steps.append)
    assert first.measured == again.measured == known_machine(home)[0].measured
    assert (measure.times, steps) == (1, ["memory"])
    assert home.machine.stat().st_mode & 0o777 == 0o600
    assert home.root.stat().st_mode & 0o777 == 0o700


def test_fresh_measures_again(home: Home, measure: Counting) -> None:
    measured_machine(home)
    assert measured_machine(home, fresh=True).measured.read_bytes_s_one == 2.0
    assert known_machine(home)[0].measured.read_bytes_s_one == 2.0


def test_another_engine_or_fewer_cores_measure_again(
    home: Home, measure: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured_machine(home)
    monkeypatch.setattr(library, "engine_version", lambda: "another 1")
    machine, reasons = known_machine(home)
    assert (machine.measured, reasons) == (Measured(), ("engine",))
    measured_machine(home)
    assert measure.times == 2


def test_a_disturbed_measurement_is_used_until_the_machine_is_calm(
    home: Home, measure: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = 0.9
    monkeypatch.setattr(library, "waiting_share", lambda: waiting)
    measure.contention = 0.8
    measured_machine(home)
    measured_machine(home)
    assert measure.times == 1
    waiting = 0.0
    assert known_machine(home)[1] == ("contention",)
    assert known_machine(home)[0].measured.taken_unix_s == 1
    measured_machine(home)
    assert measure.times == 2


def test_a_home_that_cannot_be_written_costs_the_keeping_alone(
    home: Home, measure: Counting
) -> None:
    home.root.write_text("a file, where a folder should be")
    notes: list[str] = []
    machine = measured_machine(home, on_note=notes.append)
    assert machine.measured.read_bytes_s_one == 1.0
    assert len(notes) == 1
    assert "cannot be kept" in notes[0]


def test_its_power_meters_are_looked_for(
    home: Home, measure: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "meters_now", lambda: (("processor package",), ("GPU 0: lost",)))
    machine = measured_machine(home)
    assert machine.power_meters == ("processor package",)
    assert machine.power_unread == ("GPU 0: lost",)


def test_the_power_is_what_a_calibration_read_or_why_there_is_none(home: Home) -> None:
    home.prepare()
    assert "stoker calibrate" in power_here(home).missing
    read = Power(9.0, 35.0, "processor package")
    save_calibration(home, Calibration("m", "e", "1", 2, 1, Fit(), Fit(), power=read))
    assert power_here(home) == read
    home.calibration.write_text("{}")
    assert "cannot be used" in power_here(home).missing


@pytest.mark.parametrize(
    ("short", "words"),
    [({"memory_available_bytes": 1}, "memory"), ({"disk_free_bytes": 1}, "disk")],
)
def test_a_machine_without_room_for_a_model_does_not_multiply(
    home: Home, short: dict[str, int], words: str
) -> None:
    machine = replace(known_machine(home)[0], **short)
    with pytest.raises(CannotMeasureError, match=words):
        library._multiply(home, machine, ("F16",))
