"""This machine's calibration, if it still holds: engine and machine are as they were."""

from __future__ import annotations

from stoker.core.calibration import Calibration
from stoker.core.errors import CalibrationError
from stoker.core.machine import Machine
from stoker.engines.registry import engine_version
from stoker.machine.measured.conditions import changed, conditions_of
from stoker.state.calibrations import load_calibration
from stoker.state.home import Home

AGAIN = "`stoker calibrate`"


def calibration_that_holds(home: Home, machine: Machine) -> tuple[Calibration | None, str]:
    """The calibration that `home` keeps; or None, and why none holds for `machine` as it is now."""
    try:
        kept = load_calibration(home)
    except CalibrationError as error:
        return None, error.message
    if kept is None:
        return None, f"nothing calibrated: {AGAIN}"
    now = conditions_of(machine, engine_version())
    if names := changed(kept.conditions, now):
        return None, f"it was taken with another {', '.join(names)}: {AGAIN}"
    return kept, ""
