"""The bounds of one worker: a deadline on every wait, a limit on everything it may send us."""

from __future__ import annotations

from dataclasses import dataclass

from stoker.core.units import KIB


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Durations in seconds, sizes in bytes.

    `load_s` bounds a whole start, `count_s` the counting of a model's memory. `first_byte_s` is
    from a sent request to the answer's head, `idle_s` between two pieces of its body. A worker is
    dead after `heartbeat_misses` probes in a row, one each `heartbeat_interval_s`, none answered
    within `heartbeat_deadline_s`. `drain_s`, `terminate_s` and `kill_s` bound the three steps of a
    stop.
    """

    load_s: float = 600.0
    count_s: float = 60.0
    first_byte_s: float = 300.0
    idle_s: float = 120.0
    connect_s: float = 10.0
    heartbeat_interval_s: float = 2.0
    heartbeat_deadline_s: float = 5.0
    heartbeat_misses: int = 3
    drain_s: float = 30.0
    terminate_s: float = 10.0
    kill_s: float = 10.0
    report_line_bytes: int = 16 * KIB
    stderr_lines: int = 100
    stderr_bytes: int = 32 * KIB
    refusal_bytes: int = 64 * KIB
    spare_connections: int = 8
    open_files: int = 1024
