"""How busy other programs are, from what the kernel counts: a timing taken among them means little.

An engine's threads wait for each other at every operation, so one other busy program can slow a
model many times over. Where the kernel does not tell, nobody counts as busy.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
# A sample is thrown away when others took more than this share of one processor meanwhile, with a
# few of the kernel's ticks besides, which is as exact as it counts.
SHARE_MAX = 0.08
_TICKS_MAX = 4


@dataclass(frozen=True, slots=True)
class ProcessorTime:
    """Processor seconds at one instant: of everybody, and of us with one other process."""

    at_s: float
    all_s: float
    ours_s: float


def read(pid: int | None, proc: Path = PROC) -> ProcessorTime | None:
    """What the kernel counts now; `pid` is the engine's process. None where it does not tell."""
    try:
        first = (proc / "stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
        counts = [int(word) for word in first][:8]
        ours = time.process_time() + (_seconds_of(pid, proc) if pid is not None else 0.0)
    except (OSError, ValueError, IndexError):
        return None
    if len(counts) < 8:
        return None
    # user, nice, system, idle, iowait, irq, softirq, steal: what a host takes away counts as busy.
    busy = sum(counts) - counts[3] - counts[4]
    return ProcessorTime(time.monotonic(), busy / _hertz(), ours)


def share_between(before: ProcessorTime | None, after: ProcessorTime | None) -> float:
    """How much of one processor others took between the two readings; 0 where nobody tells."""
    if before is None or after is None or after.at_s <= before.at_s:
        return 0.0
    return max(_others_s(before, after), 0.0) / (after.at_s - before.at_s)


def were_busy(before: ProcessorTime | None, after: ProcessorTime | None) -> bool:
    """Whether others took so much between the two readings that a timing is worth nothing."""
    if before is None or after is None:
        return False
    others = _others_s(before, after)
    return others > SHARE_MAX * (after.at_s - before.at_s) + _TICKS_MAX / _hertz()


def _others_s(before: ProcessorTime, after: ProcessorTime) -> float:
    return (after.all_s - before.all_s) - (after.ours_s - before.ours_s)


def _seconds_of(pid: int, proc: Path) -> float:
    words = (proc / str(pid) / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / _hertz()


def _hertz() -> int:
    return os.sysconf("SC_CLK_TCK")
