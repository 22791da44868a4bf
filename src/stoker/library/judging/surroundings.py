"""Where models would run: this machine or another, what tells speeds there, what there is to run.

Shared by plans and advice, so that both speak of the same machine with the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from stoker.core.errors import ContradictoryNeedsError
from stoker.core.machine import Machine
from stoker.core.power import Power
from stoker.core.proposal import Alternative
from stoker.library.judging.speeds import estimate_elsewhere, find_estimate
from stoker.library.machine import known_machine, power_here
from stoker.machine.measured.cache import CONTENTION, NOTHING
from stoker.planning.catalogue import Entry, build_catalogue
from stoker.planning.proposal.question import EstimateSpeed
from stoker.published.figures import load_shapes, load_sizes
from stoker.published.judgement import load_judgement
from stoker.state.home import Home
from stoker.state.measurements import Measurements


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A machine with what is known of it, and the catalogue.

    `elsewhere` says that it is not this one: only its GPUs may be planned with, for the engine
    that is installed here computes on the processor. `missing` names what would say more, `api` is
    where requests may go instead, `power` what was read of this machine's meters, `log` what was
    measured of models here. `contradiction` is why no plan meets the stated needs.
    """

    machine: Machine
    home: Home
    estimate: EstimateSpeed
    catalogue: tuple[Entry, ...]
    elsewhere: bool = False
    missing: tuple[str, ...] = ()
    api: Alternative | None = None
    power: Power | None = None
    log: Measurements = field(default_factory=Measurements)
    contradiction: ContradictoryNeedsError | None = None


def survey(home: Home, machine: Machine | None = None, *, gpus: bool = True) -> Surroundings:
    """`machine`, or this one as it is now; of this one GPUs are looked for only with `gpus`."""
    if machine is not None:
        return Surroundings(machine, home, estimate_elsewhere, shipped_catalogue(), elsewhere=True)
    here, reasons = known_machine(home, gpus=gpus)
    log = Measurements(home.measurements)
    estimate, uncalibrated = find_estimate(home, here, log)
    missing = (*_unmeasured(reasons), *uncalibrated)
    catalogue, power = shipped_catalogue(), power_here(home)
    return Surroundings(here, home, estimate, catalogue, missing=missing, power=power, log=log)


def _unmeasured(reasons: Sequence[str]) -> tuple[str, ...]:
    """What `reasons` of `known_machine` mean for a person, and what helps."""
    if not reasons:
        return ()
    if reasons[0] == CONTENTION:
        why = "other programs disturbed them, and it is calm now: `stoker machine --fresh`"
    elif reasons[0] == NOTHING:
        why = "nothing measured: `stoker machine`"
    else:
        why = f"they were taken with another {', '.join(reasons)}: `stoker machine`"
    return (f"measurements of this machine: {why}",)


@cache
def shipped_catalogue() -> tuple[Entry, ...]:
    """The well-known models, from the tables that come with the package."""
    return build_catalogue(load_shapes(), load_sizes(), load_judgement())
