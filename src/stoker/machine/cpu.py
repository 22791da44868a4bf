"""How many physical cores this process may really use."""

from __future__ import annotations

import math
import os
from pathlib import Path

from stoker.machine import cgroup

TOPOLOGY = Path("/sys/devices/system/cpu")


def usable_cores(topology: Path = TOPOLOGY) -> int:
    """Physical cores under this process's affinity and its cgroup's quota; at least 1."""
    cores = _physical(_allowed(), topology)
    quota = cgroup.cpu_quota()
    return max(1, cores if quota is None else min(cores, math.floor(quota)))


def _allowed() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _physical(processors: set[int], topology: Path) -> int:
    """Distinct cores among `processors`: two threads of one core count once."""
    return len({_siblings(number, topology) for number in processors})


def _siblings(number: int, topology: Path) -> str:
    try:
        return (topology / f"cpu{number}" / "topology" / "thread_siblings_list").read_text()
    except OSError:
        return str(number)
