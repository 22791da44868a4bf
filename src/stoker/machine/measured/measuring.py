"""What can only be found out by doing it: reading memory, multiplying, reading the disk.

Owns the order, the bounds of each measurement and what becomes of one that fails: its figure
stays empty, its reason is kept, the others go on. Multiplying needs an engine, and this room
knows none: the caller hands it in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stoker.core.errors import StokerError
from stoker.core.machine import Machine, Measured
from stoker.machine.cpu import cache_bytes
from stoker.machine.measured import bandwidth
from stoker.machine.measured.conditions import conditions_of
from stoker.machine.measured.disk_rate import measure_reading
from stoker.machine.measured.passes import CannotMeasureError, Figure, Limits
from stoker.machine.pressure import read_pressure

MATMUL_TYPES = ("Q4_0", "Q8_0", "F16", "Q4_K")
MEMORY_LIMITS = Limits(budget_s=0.4, extra_s=0.3, least=3)
DISK_LIMITS = Limits(budget_s=0.6, extra_s=0.3)
STEPS = ("memory", "matmul", "disk")

# Operations a second of each pass, by the format of the weights.
Multiply = Callable[[Machine, Sequence[str]], Mapping[str, Sequence[float]]]


@dataclass(frozen=True, slots=True)
class Instruments:
    """What measuring needs besides the machine.

    `store` is the folder whose disk is read, `multiply` runs the engine, `engine` is its version.
    """

    store: Path
    multiply: Multiply
    engine: str


@dataclass
class _Findings:
    figures: dict[str, Figure] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def take(self, names: Sequence[str], find: Callable[[], Mapping[str, Sequence[float]]]) -> None:
        """Keep what `find` finds of `names`, and a reason for each that it does not."""
        try:
            found = find()
        except (CannotMeasureError, StokerError, OSError, MemoryError) as error:
            self.missing.update(dict.fromkeys(names, _reason(error)))
            return
        for name in names:
            try:
                self.figures[name] = Figure.of(found.get(name, ()))
            except CannotMeasureError as error:
                self.missing[name] = str(error)

    def value(self, name: str) -> float | None:
        figure = self.figures.get(name)
        return None if figure is None else figure.best


class _Waiting:
    """Watches how much others disturb, from its making on."""

    def __init__(self) -> None:
        self._since, self._before = time.monotonic(), read_pressure("cpu")

    def share(self) -> float | None:
        """The share of the time since in which some program waited for a processor."""
        after, elapsed_s = read_pressure("cpu"), time.monotonic() - self._since
        if self._before is None or after is None or elapsed_s <= 0:
            return None
        return round(min(1.0, max(0.0, after.total_s - self._before.total_s) / elapsed_s), 3)


def measure(
    machine: Machine,
    instruments: Instruments,
    on_step: Callable[[str], None] = lambda _: None,
    now: Callable[[], float] = time.time,
) -> Measured:
    """What `machine`, this one, reads and multiplies; under 10 s.

    `on_step` is told each of `STEPS` as it begins. A figure that cannot be had is None, with its
    reason in `missing`.
    """
    waiting = _Waiting()
    found = _Findings()
    on_step("memory")
    found.take(("read_one", "read_all"), lambda: _memory(machine))
    on_step("matmul")
    names = [f"matmul_{kind}" for kind in MATMUL_TYPES]
    found.take(names, lambda: _matmul(machine, instruments.multiply))
    on_step("disk")
    found.take(("disk_read",), lambda: _disk(instruments.store))
    return Measured(
        read_bytes_s_one=found.value("read_one"),
        read_bytes_s_all=found.value("read_all"),
        matmul_ops_s=tuple(
            (kind, value)
            for kind in MATMUL_TYPES
            if (value := found.value(f"matmul_{kind}")) is not None
        ),
        disk_read_bytes_s=found.value("disk_read"),
        taken_unix_s=int(now()),
        conditions=conditions_of(machine, instruments.engine),
        spread=tuple((name, round(one.spread, 4)) for name, one in found.figures.items()),
        missing=tuple(found.missing.items()),
        contention=waiting.share(),
    )


def _memory(machine: Machine) -> dict[str, tuple[float, ...]]:
    size = bandwidth.buffer_bytes(cache_bytes(), machine.memory_available_bytes)
    one, every = bandwidth.measure_memory(machine.cores, size, MEMORY_LIMITS)
    return {"read_one": one, "read_all": every}


def _matmul(machine: Machine, multiply: Multiply) -> dict[str, Sequence[float]]:
    return {f"matmul_{kind}": rates for kind, rates in multiply(machine, MATMUL_TYPES).items()}


def _disk(store: Path) -> dict[str, tuple[float, ...]]:
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {"disk_read": measure_reading(store, DISK_LIMITS)}


def _reason(error: BaseException) -> str:
    if isinstance(error, StokerError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__
