"""Admission and restart as functions of what they are given. They touch nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

RESTART_FREE = 1
RESTART_DELAY_MAX_S = 10.0


class Admission(Enum):
    """What becomes of a request that asks for a slot."""

    GRANT = "grant"
    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Occupancy:
    """One model's places: `slots` of which `busy` are leased, and `waiting` of `queue_max`.

    `ready` says whether a worker stands behind the slots.
    """

    slots: int
    busy: int
    waiting: int
    queue_max: int
    ready: bool


def admit(occupancy: Occupancy) -> Admission:
    """Grant a free slot to nobody who would overtake; else wait, as long as the queue has room."""
    if occupancy.ready and occupancy.busy < occupancy.slots and occupancy.waiting == 0:
        return Admission.GRANT
    if occupancy.waiting < occupancy.queue_max:
        return Admission.WAIT
    return Admission.REFUSE


def grants(occupancy: Occupancy) -> int:
    """How many waiting requests can be given a slot now."""
    if not occupancy.ready:
        return 0
    return max(0, min(occupancy.slots - occupancy.busy, occupancy.waiting))


def restart_delay_s(failures_in_a_row: int) -> float:
    """Seconds to wait before the next start: none after a first failure, then doubling."""
    if failures_in_a_row <= RESTART_FREE:
        return 0.0
    return float(min(RESTART_DELAY_MAX_S, 0.25 * 2 ** (failures_in_a_row - RESTART_FREE)))
