"""What can be seen of a worker from outside, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from stoker.core.errors import StokerError
from stoker.core.request import ColdStart
from stoker.workers.policy import CageReport
from stoker.workers.state import WorkerState


@dataclass(frozen=True, slots=True)
class WorkerStatistics:
    """A worker at one instant. Sizes in bytes, 0 while there is no process.

    `memory_peak_bytes` is the most that was ever resident. `busy` counts requests in flight.
    `exit` says in words how the process ended; `failure` is why the worker failed.
    """

    state: WorkerState
    pid: int | None
    memory_bytes: int
    memory_peak_bytes: int
    cold_start: ColdStart | None
    busy: int
    cage: CageReport | None
    stderr_tail: tuple[str, ...]
    failure: StokerError | None
    exit: str | None
