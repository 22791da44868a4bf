"""Under which conditions a measurement holds: they are kept with it and compared later."""

from __future__ import annotations

import hashlib
import os

from stoker.core.machine import Machine
from stoker.machine.facts import read_machine
from stoker.machine.pressure import read_pressure

# Shares of time in which some program waits for a processor. Measuring alone makes a few percent.
BUSY, CALM = 0.25, 0.1


def conditions_of(machine: Machine, engine: str) -> tuple[tuple[str, str], ...]:
    """What must be as it was for what was measured on `machine` to hold, by name."""
    kernel = " ".join(os.uname()[0:4:2]) if hasattr(os, "uname") else os.name
    return (
        ("cpu", machine.cpu),
        ("features", " ".join(machine.features)),
        ("cores", str(machine.cores)),
        ("threads", str(machine.threads)),
        # Only where there are any: what was kept before they were told apart still holds.
        *(
            (("efficiency_cores", str(machine.efficiency_cores)),)
            if machine.efficiency_cores
            else ()
        ),
        ("quota_cores", "" if machine.quota_cores is None else f"{machine.quota_cores:g}"),
        ("kernel", kernel),
        ("engine", engine),
    )


def mark_of(conditions: tuple[tuple[str, str], ...]) -> str:
    """The engine of `conditions` and a short hash: the same for the same, and for no others."""
    digest = hashlib.sha256(repr(conditions).encode()).hexdigest()[:12]
    return f"{dict(conditions).get('engine', '')} {digest}".lstrip()


def mark_here(engine: str) -> str:
    """The mark of this machine as it is now, with `engine`."""
    return mark_of(conditions_of(read_machine(), engine))


def changed(then: tuple[tuple[str, str], ...], now: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """The names of the conditions that differ, in order; empty if a measurement still holds."""
    before, after = dict(then), dict(now)
    return tuple(name for name in {**before, **after} if before.get(name) != after.get(name))


def waiting_share() -> float | None:
    """The share of the last ten seconds in which some program waited for a processor."""
    pressure = read_pressure("cpu")
    return None if pressure is None else pressure.share


def was_disturbed(contention: float | None, waiting: float | None) -> bool:
    """Whether others were busy during a measurement, and a new one would find a calm machine.

    `contention` is the measurement's; `waiting` is the share of time in which somebody waits for a
    processor now. Where one is not told, a measurement stands.
    """
    if contention is None or waiting is None:
        return False
    return contention >= BUSY and waiting < CALM
