"""This machine with what was measured of it: the rooms that know the parts, brought together.

`known_machine` reads and never measures; `measured_machine` measures where nothing that holds is
kept, and keeps it; `power_here` is what a calibration read. They block: from an event loop, call
them in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from stoker.core.disk_errors import disk_errors
from stoker.core.errors import CalibrationError, HomeError
from stoker.core.machine import Machine
from stoker.core.power import Power
from stoker.core.units import GIB, MIB
from stoker.engines.registry import engine_version, find_engine
from stoker.machine.facts import read_machine
from stoker.machine.measured.cache import save_measured, with_measured
from stoker.machine.measured.conditions import waiting_share
from stoker.machine.measured.measuring import Instruments, measure
from stoker.machine.measured.passes import CannotMeasureError
from stoker.machine.power.meters import meters_now
from stoker.state.calibrations import load_calibration
from stoker.state.home import Home

ENGINE = "llamacpp"
# What multiplying takes at most, with room for others: a model in each format, and a child.
MULTIPLY_MEMORY_BYTES = 768 * MIB
MULTIPLY_DISK_BYTES = GIB


def known_machine(home: Home, *, gpus: bool = False) -> tuple[Machine, tuple[str, ...]]:
    """This machine now, with what was measured of it if that still holds.

    The second is why it should be measured (again), as
    `stoker.machine.measured.cache.with_measured` says; empty if there is no reason.
    """
    machine = read_machine(gpus=gpus, store=home.models)
    return with_measured(machine, home.machine, engine_version(), waiting_share())


def measured_machine(
    home: Home,
    *,
    fresh: bool = False,
    gpus: bool = True,
    on_step: Callable[[str], None] = lambda _: None,
    on_note: Callable[[str], None] = lambda _: None,
) -> Machine:
    """This machine now, measured: once, and again if `fresh` or if the conditions have changed.

    Its power meters are looked for, too. `on_step` is told what is being measured, `on_note` what a
    person should know besides. Takes under 10 s where it measures. A home that cannot be used is a
    note, and costs the keeping.

    Raises:
        HomeError: the disk became full, or the home unusable, while it was measured.
    """
    machine, reasons = known_machine(home, gpus=gpus)
    meters, unread = meters_now()
    machine = replace(machine, power_meters=meters, power_unread=unread)
    if not (fresh or reasons):
        return machine
    ready = _prepared(home, on_note)
    instruments = Instruments(
        home.models, lambda here, kinds: _multiply(home, here, kinds), engine_version()
    )
    measured = measure(machine, instruments, on_step)
    if ready:
        with disk_errors(home.machine):
            save_measured(home.machine, measured)
    return replace(machine, measured=measured)


def power_here(home: Home) -> Power:
    """What the calibration in `home` read of this machine's power, or why there is nothing."""
    try:
        calibration = load_calibration(home)
    except CalibrationError as error:
        return Power(missing=error.message)
    if calibration is None:
        return Power(
            missing="nothing is calibrated; `stoker calibrate` reads it where there is a meter"
        )
    return calibration.power


def _prepared(home: Home, on_note: Callable[[str], None]) -> bool:
    """Whether what is measured can be kept; what needs a folder cannot be measured without."""
    try:
        home.prepare()
    except HomeError as error:
        on_note(f"what is measured cannot be kept: {error.message}")
        return False
    return True


def _multiply(home: Home, machine: Machine, kinds: Sequence[str]) -> Mapping[str, Sequence[float]]:
    if machine.memory_available_bytes < MULTIPLY_MEMORY_BYTES:
        raise CannotMeasureError("too little memory is free for a model of random weights")
    if (machine.disk_free_bytes or 0) < MULTIPLY_DISK_BYTES:
        raise CannotMeasureError("the disk has too little free space for models of random weights")
    from stoker.library.portal import Portal  # noqa: PLC0415 - needed where it measures
    from stoker.workers.throughput import matmul_rates  # noqa: PLC0415 - the same

    portal = Portal()
    try:
        engine, threads = find_engine(ENGINE), machine.performance_cores
        return portal.call(matmul_rates(engine, kinds, threads, home.workers))
    finally:
        portal.close()
