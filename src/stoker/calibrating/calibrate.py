"""One calibration from beginning to end: timed, with the power it took, fitted, kept."""

from __future__ import annotations

import platform
import time
from dataclasses import replace

from stoker.calibrating.composing import Conditions, Timed, compose
from stoker.calibrating.gauging import Gauge
from stoker.calibrating.rounds import Progress, take_samples
from stoker.calibrating.sampling import ENGINE, Bench
from stoker.calibrating.subjects import subjects
from stoker.core.calibration import Calibration
from stoker.core.clock import Clock, SystemClock
from stoker.core.machine import Machine
from stoker.engines.registry import engine_version
from stoker.machine.facts import read_machine
from stoker.machine.measured.conditions import conditions_of
from stoker.machine.power.meters import open_meters
from stoker.state.calibrations import save_calibration
from stoker.state.home import Home

WHOLE_S, QUICK_S = 205.0, 75.0
# With all waiting nothing new is begun after so long: what was begun ends within four minutes.
LAST_S = 218.0


async def calibrate(
    home: Home,
    *,
    quick: bool = False,
    wait_s: float = 0.0,
    clock: Clock | None = None,
    on_step: Progress = lambda *_: None,
) -> Calibration:
    """Time this machine on synthetic models, fit its speeds, and keep them in `home`.

    Takes under four minutes, about one if `quick`, which holds the 2 s of quiet in which power
    meters are read where there are any, and up to `wait_s` of waiting for other programs to rest.
    Where they never do, the least disturbed timings count, and intervals are wider.
    `on_step` hears how many of how many steps are done, and what is next.

    Raises:
        CalibrationError: too little could be timed.
        AlreadyRunningError, DiskFullError, HomeError: before anything is timed.
        StokerError: a model did not load.
    """
    home.prepare()
    machine = read_machine()
    clock = clock or SystemClock()
    begun_s = clock.now()
    end_s = begun_s + (QUICK_S if quick else WHOLE_S)
    with open_meters() as read:
        gauge = Gauge(read)
        await gauge.rest(clock)
        bench = Bench(
            home.workers,
            clock,
            machine.performance_cores,
            end_s,
            wait_s,
            gauge=gauge,
            last_s=begun_s + LAST_S,
        )
        await take_samples(home, subjects(quick=quick), bench, on_step)
    first_token_s = bench.first_token_s or bench.first_token_busy_s
    taken = Timed(bench.samples, first_token_s, bench.taken, bench.rejected)
    calibration = compose(taken, conditions_now(machine, quick=quick))
    calibration = replace(calibration, power=gauge.power())
    save_calibration(home, calibration)
    return calibration


def conditions_now(machine: Machine, *, quick: bool) -> Conditions:
    """The conditions under which `machine` is calibrated now."""
    engine = engine_version()
    return Conditions(
        machine=machine.name or platform.node(),
        engine=ENGINE,
        engine_version=engine,
        threads=machine.performance_cores,
        taken_unix_s=int(time.time()),
        quick=quick,
        more=conditions_of(machine, engine),
    )
