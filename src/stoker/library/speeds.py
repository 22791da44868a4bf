"""How fast plans will run: from earlier runs here, else this machine's calibration, else bandwidth.

Brings together what `state` keeps and what `planning` makes of it. A figure that the better source
cannot tell is taken from the next one, and a note says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stoker.core.calibration import Calibration
from stoker.core.errors import CalibrationError
from stoker.core.machine import Machine
from stoker.core.measurement import AnswerMeasured, LoadMeasured, identity_of
from stoker.core.plan import Device, DeviceKind, Plan
from stoker.core.speed import Occasion, Speed, SpeedSource
from stoker.planning.proposal.question import EstimateSpeed
from stoker.planning.speed.calibrated import Calibrated
from stoker.planning.speed.estimate import Basis, estimate_speed
from stoker.planning.speed.experience import experience
from stoker.planning.speed.rough import rough_speed
from stoker.planning.speed.work import work_of
from stoker.state.calibrations import load_calibration
from stoker.state.home import Home
from stoker.state.measurements import Measurements

_FIGURES = (
    "load_s",
    "load_cold_s",
    "ttft_s",
    "prefill_tok_s",
    "decode_tok_s",
    "stream_tok_s",
    "total_tok_s",
)


def find_estimate(
    home: Home, log: Measurements | None = None
) -> tuple[EstimateSpeed, tuple[str, ...]]:
    """What tells the speeds of plans on this machine, and what it lacks; `log` is `home`'s."""
    log = log or Measurements(home.measurements)
    try:
        calibration, why = load_calibration(home), "nothing calibrated: `stoker calibrate`"
    except CalibrationError as error:
        calibration, why = None, error.message
    missing = () if calibration else (f"this machine's calibration: {why}",)

    def estimate(plan: Plan, device: Device, machine: Machine, occasion: Occasion) -> Speed:
        rough = rough_speed(plan, device, machine, occasion)
        if device.kind is not DeviceKind.CPU:
            return rough
        records = log.of(identity_of(plan.model.facts))
        basis = _basis(plan, calibration, records)
        return rough if basis is None else _filled(_told(plan, basis, occasion), rough)

    return estimate, missing


def _basis(
    plan: Plan,
    calibration: Calibration | None,
    records: Sequence[LoadMeasured | AnswerMeasured],
) -> Basis | None:
    below = None
    if calibration is not None:
        below = Calibrated(calibration, plan.threads, plan.micro_batch)
    return experience(below, records, plan.threads) if records else below


def _told(plan: Plan, basis: Basis, occasion: Occasion) -> Speed:
    return estimate_speed(work_of(plan.model.facts), basis, occasion)


def _filled(speed: Speed, rough: Speed) -> Speed:
    """`speed` with the figures of `rough` where it has none."""
    gaps = [name for name in _FIGURES if getattr(speed, name) is None]
    found = {name: getattr(rough, name) for name in gaps if getattr(rough, name) is not None}
    if not found:
        return speed
    if speed.source is SpeedSource.UNKNOWN:
        return rough
    return replace(speed, **found, notes=(*speed.notes, f"{', '.join(found)}: {rough.notes[0]}"))
