"""Meters are read in a quiet moment and while models work; without any, no time is lost."""

from __future__ import annotations

import pytest

from stoker.calibrating import others
from stoker.calibrating.gauging import QUIET_PART_S, QUIET_PARTS, Gauge
from stoker.machine.power.counting import Count, Meter, Reading, Sees

PACKAGE = Meter(Sees.PACKAGE, "package-0")


class Meters:
    """A made machine: its clock, and a counter that rises by `watts` as time goes by."""

    def __init__(self, *, here: bool = True) -> None:
        self.here, self.watts, self.at_s, self.energy_uj = here, 20.0, 0.0, 0
        self.slept_s = 0.0

    def now(self) -> float:
        return self.at_s

    async def sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        self.run(seconds)

    def run(self, seconds: float) -> None:
        self.at_s += seconds
        self.energy_uj += int(self.watts * seconds * 1e6)

    def read(self) -> Reading:
        if not self.here:
            return Reading(self.at_s, (), ("no meters", "no GPUs"))
        return Reading(self.at_s, (Count(PACKAGE, self.energy_uj, 1 << 40),))


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "were_busy", lambda *_: False)


def work(gauge: Gauge, meters: Meters, seconds: float, watts: float) -> None:
    before = gauge.now()
    meters.watts = watts
    meters.run(seconds)
    gauge.worked(before, gauge.now())


async def test_idle_and_load_are_told_apart() -> None:
    meters = Meters()
    gauge = Gauge(meters.read)
    await gauge.rest(meters)
    work(gauge, meters, 3.0, 80.0)
    work(gauge, meters, 1.0, 100.0)
    found = gauge.power()
    assert (found.watts_idle, found.watts_load) == (pytest.approx(20), pytest.approx(85))
    assert (found.idle_s, found.load_s, found.scope) == (2.0, 4.0, "processor package")


async def test_the_quiet_takes_two_seconds_and_nothing_without_meters() -> None:
    meters, none = Meters(), Meters(here=False)
    await Gauge(meters.read).rest(meters)
    assert meters.slept_s == QUIET_PARTS * QUIET_PART_S == 2.0
    gauge = Gauge(none.read)
    await gauge.rest(none)
    work(gauge, none, 9.0, 80.0)
    assert none.slept_s == 0
    assert gauge.now() is None
    assert gauge.power().missing == "no meters; no GPUs"


async def test_a_disturbed_part_of_the_quiet_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    told = iter([True, False, False, False])
    meters = Meters()
    gauge = Gauge(meters.read)
    monkeypatch.setattr(others, "were_busy", lambda *_: next(told))
    await gauge.rest(meters)
    work(gauge, meters, 2.0, 80.0)
    assert gauge.power().idle_s == 1.5


async def test_a_quiet_that_never_was_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    meters = Meters()
    gauge = Gauge(meters.read)
    monkeypatch.setattr(others, "were_busy", lambda *_: True)
    await gauge.rest(meters)
    work(gauge, meters, 2.0, 80.0)
    assert "idle" in gauge.power().missing


async def test_too_little_work_is_a_reason() -> None:
    meters = Meters()
    gauge = Gauge(meters.read)
    await gauge.rest(meters)
    work(gauge, meters, 0.4, 80.0)
    assert "too little" in gauge.power().missing
