"""Which processor this is and how much of it this process may really use."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from stoker.machine import cgroup
from stoker.machine.core_kinds import performance_processors
from stoker.machine.cpuinfo import parse_cpuinfo
from stoker.machine.system_files import HERE, Roots, parse_list, read_text

# The file is made as it is read, core by core, which is slow on large machines; one core is enough.
_CPUINFO_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Cpu:
    """A processor as far as this process may use it.

    `cores` are physical and at least 1, `efficiency_cores` those of them that are slow ones of a
    processor with several kinds; `threads` are what the system schedules on; `quota_cores` is
    processors' worth of time, None without a limit.
    """

    model: str
    features: tuple[str, ...]
    cores: int
    threads: int
    quota_cores: float | None
    efficiency_cores: int = 0


def read_cpu(roots: Roots = HERE, allowed: frozenset[int] | None = None) -> Cpu:
    """The processor under this process's affinity (or `allowed`) and its group's quota."""
    processors = _allowed() if allowed is None else allowed
    info = parse_cpuinfo(read_text(roots.proc / "cpuinfo", _CPUINFO_BYTES))
    quota = cgroup.cpu_quota(roots)
    topology = roots.sys / "devices" / "system" / "cpu"
    cores = _physical(processors, topology)
    usable = max(1, cores if quota is None else min(cores, math.floor(quota)))
    fast = _physical(performance_processors(processors, roots), topology)
    slow = max(0, usable - fast)
    return Cpu(info.model, info.features, usable, max(1, len(processors)), quota, slow)


def numa_nodes(roots: Roots = HERE) -> int:
    """Nodes that have memory of their own; at least 1."""
    folder = roots.sys / "devices" / "system" / "node"
    text = read_text(folder / "has_memory") or read_text(folder / "online")
    return max(1, len(parse_list(text)))


def cache_bytes(roots: Roots = HERE) -> int:
    """All last-level caches together, 0 where they cannot be read."""
    levels: dict[int, dict[str, int]] = {}
    for index in roots.sys.glob("devices/system/cpu/cpu[0-9]*/cache/index[0-9]*"):
        level, size = read_text(index / "level"), _size_bytes(read_text(index / "size"))
        if level.isdigit() and size and read_text(index / "type") != "Instruction":
            levels.setdefault(int(level), {})[read_text(index / "shared_cpu_list")] = size
    return sum(levels[max(levels)].values()) if levels else 0


def _size_bytes(text: str) -> int:
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    number = text.rstrip("KMG")
    return int(number) * units.get(text[-1:], 1) if number.isascii() and number.isdigit() else 0


def _allowed() -> frozenset[int]:
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def _physical(processors: frozenset[int], topology: Path) -> int:
    """Distinct cores among `processors`: two threads of one core count once."""
    return len({_siblings(number, topology) for number in processors})


def _siblings(number: int, topology: Path) -> str:
    return read_text(topology / f"cpu{number}" / "topology" / "thread_siblings_list") or str(number)
