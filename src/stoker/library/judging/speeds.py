"""How fast plans will run: from the best that is known of a model and a machine, figure by figure.

Brings together what `state` keeps, what `published_speeds` knows of machines and what `planning`
makes of both. Earlier runs here go before this machine's calibration, that before published figures
of like devices, and those before a rough guess.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from stoker.core.calibration import Calibration
from stoker.core.machine import Machine
from stoker.core.measurement import identity_of, key_of
from stoker.core.plan import Device, DeviceKind, Plan
from stoker.core.speed import Occasion, Speed
from stoker.engines.registry import engine_version
from stoker.library.judging.calibration import AGAIN, calibration_that_holds
from stoker.library.judging.published_speeds import uncalibrated_bases
from stoker.machine.measured.conditions import conditions_of, mark_of
from stoker.planning.proposal.question import EstimateSpeed
from stoker.planning.speed.calibrated import Calibrated
from stoker.planning.speed.estimate import Basis, estimate_speed
from stoker.planning.speed.experience import experience
from stoker.planning.speed.split import Split
from stoker.planning.speed.spread import together, width_of
from stoker.planning.speed.work import work_of
from stoker.state.home import Home
from stoker.state.measurements import Measurements

# Published speeds and rough ones are within a factor of two to three.
_SAYS_LITTLE = math.log(3.0)
DISTURBED = (
    f"a calibration of this machine at rest: the one that is kept was disturbed by other programs, "
    f"so intervals are wider ({AGAIN})"
)


def find_estimate(
    home: Home, here: Machine, log: Measurements | None = None, now_unix_s: float | None = None
) -> tuple[EstimateSpeed, tuple[str, ...]]:
    """What tells the speeds of plans on this machine, and what it lacks.

    `here` is this machine as it is now, and `log` is `home`'s; runs grow old until `now_unix_s`.
    """
    log = log or Measurements(home.measurements)
    now_unix_s = time.time() if now_unix_s is None else now_unix_s
    calibration, why = calibration_that_holds(home, here)
    conditions = mark_of(conditions_of(here, engine_version()))
    missing = (f"this machine's calibration: {why}",) if calibration is None else ()
    if calibration is not None and calibration.disturbed:
        missing = (DISTURBED,)

    def estimate(plan: Plan, device: Device, machine: Machine, occasion: Occasion) -> Speed:
        bases = _processor(plan, machine, calibration)
        if device.kind is DeviceKind.CPU:
            records = log.of(identity_of(plan.model.facts))
            runs = experience(bases[0], records, key_of(plan, conditions), now_unix_s)
            bases = (runs, *bases) if records else bases
        return _estimate(plan, device, machine, occasion, bases)

    return estimate, missing


def estimate_elsewhere(plan: Plan, device: Device, machine: Machine, occasion: Occasion) -> Speed:
    """The speeds of `plan` on a machine that is not this one, by published figures."""
    return _estimate(plan, device, machine, occasion, _processor(plan, machine, None))


def _processor(plan: Plan, machine: Machine, calibration: Calibration | None) -> tuple[Basis, ...]:
    """What is known of the machine's processor, the best first."""
    others = uncalibrated_bases(machine, plan.threads)
    if calibration is None:
        return others
    own = Calibrated(
        calibration, plan.threads, plan.micro_batch, repack=plan.repack, kv_type=plan.kv_type
    )
    return (*others, own) if _says_little(calibration) else (own, *others)


def _says_little(calibration: Calibration) -> bool:
    """Whether it was so disturbed that published speeds of like devices say more."""
    decode = calibration.decode
    width = together(width_of(decode.log_errors), decode.disturbed_width)
    return calibration.disturbed > 0 and width > _SAYS_LITTLE


def _estimate(
    plan: Plan, device: Device, machine: Machine, occasion: Occasion, processor: Sequence[Basis]
) -> Speed:
    """As `EstimateSpeed`; `processor` tells of the machine's processor, where it takes part."""
    bases = processor
    if device.gpu is not None:
        bases = gpu = _on_gpus(plan, machine, device)
        if device.kind is DeviceKind.SPLIT:
            # The output matrix stays with the processor, as long as any layer does.
            bases = [Split(one, other, device.gpu_layers) for one in gpu for other in processor]
    return estimate_speed(work_of(plan.model.facts, plan.kv_type), bases, occasion)


def _on_gpus(plan: Plan, machine: Machine, device: Device) -> Sequence[Basis]:
    """What tells of layers on GPUs: the parts of several add up, so equal ones are as one."""
    layers: dict[str, int] = {}
    first: dict[str, int] = {}
    for share in device.shares:
        name = machine.gpus[share.gpu].name
        layers[name] = layers.get(name, 0) + share.layers
        first.setdefault(name, share.gpu)
    *others, last = first.items() or [("", device.gpu or 0)]
    bases: Sequence[Basis] = uncalibrated_bases(machine, plan.threads, last[1])
    for name, gpu in reversed(others):
        own = uncalibrated_bases(machine, plan.threads, gpu)
        bases = [Split(one, rest, layers[name]) for one in own for rest in bases]
    return bases
