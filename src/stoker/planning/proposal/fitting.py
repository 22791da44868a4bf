"""Whether memory is there: what may be taken, what should stay free, and the verdict.

Pure. What should stay free covers what a prediction may be off by, and what other programs take
between now and then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stoker.core.machine import Machine
from stoker.core.plan import Verdict
from stoker.core.units import MIB, format_bytes

# The prediction's bound (benchmarks/planner.py: 5 % of resident memory at the median), and a share
# of all memory for others, which on a small machine is little and on a large one is bounded.
ERROR_SHARE = 0.05
OTHERS_SHARE = 0.05
OTHERS_BYTES_MAX = 1024 * MIB
_ORDER = (Verdict.FITS, Verdict.TIGHT, Verdict.DOES_NOT_FIT_NOW, Verdict.CAN_NEVER_FIT)


@dataclass(frozen=True, slots=True)
class Room:
    """Memory of one device in bytes: what may be taken `now`, and at most if nobody else had any.

    `budget` is what somebody allows of it; None for no bound beyond the machine's.
    """

    now_bytes: int
    ever_bytes: int
    budget_bytes: int | None = None

    @property
    def available_bytes(self) -> int:
        """What may be taken now, within the budget."""
        return self._bounded(self.now_bytes)

    @property
    def most_bytes(self) -> int:
        """What may ever be taken, within the budget."""
        return self._bounded(self.ever_bytes)

    def without(self, taken_bytes: int) -> Room:
        """What is left when another model has taken so much."""
        budget = None if self.budget_bytes is None else max(0, self.budget_bytes - taken_bytes)
        now, ever = (max(0, size - taken_bytes) for size in (self.now_bytes, self.ever_bytes))
        return Room(now, ever, budget)

    def _bounded(self, size: int) -> int:
        return size if self.budget_bytes is None else min(size, self.budget_bytes)


def room_of(machine: Machine, budget_bytes: int | None = None) -> Room:
    """The machine's own memory: what is available, and all of it."""
    return Room(machine.memory_available_bytes, machine.memory_total_bytes, budget_bytes)


def spare_bytes(need_bytes: int, room: Room) -> int:
    """What should stay free beside a model of `need_bytes`.

    Of a budget nothing is kept for others, who are outside of it; only the prediction's error.
    """
    others = 0
    if room.budget_bytes is None or room.budget_bytes > room.now_bytes:
        others = min(round(OTHERS_SHARE * room.ever_bytes), OTHERS_BYTES_MAX)
    return round(ERROR_SHARE * need_bytes) + others


def judge(need_bytes: int, room: Room) -> Verdict:
    """The verdict on `need_bytes` in `room`."""
    if need_bytes + spare_bytes(need_bytes, room) <= room.available_bytes:
        return Verdict.FITS
    if need_bytes <= room.available_bytes:
        return Verdict.TIGHT
    return Verdict.DOES_NOT_FIT_NOW if need_bytes <= room.most_bytes else Verdict.CAN_NEVER_FIT


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several; `fits` of none."""
    return max(verdicts, key=_ORDER.index, default=Verdict.FITS)


def say_verdict(verdict: Verdict, need_bytes: int, room: Room) -> str:
    """Why `judge` said so, with the figures."""
    need, free = format_bytes(need_bytes), format_bytes(room.available_bytes)
    spare = format_bytes(spare_bytes(need_bytes, room))
    whose = "of the budget" if room.available_bytes == room.budget_bytes else "available"
    return {
        Verdict.FITS: f"{need} of {free} {whose}, and {spare} stays free for what nobody foresees",
        Verdict.TIGHT: f"{need} of {free} {whose}: less stays free than the {spare} that should",
        Verdict.DOES_NOT_FIT_NOW: f"{need}, and {free} {whose} now: "
        f"{format_bytes(need_bytes - room.available_bytes)} more must become free",
        Verdict.CAN_NEVER_FIT: f"{need}, and never more than {format_bytes(room.most_bytes)} "
        f"{'of the budget' if room.most_bytes == room.budget_bytes else 'on this machine'}",
    }[verdict]
