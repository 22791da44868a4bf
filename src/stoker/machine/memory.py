"""How much memory this process may have, and how much of it is free."""

from __future__ import annotations

import os
from pathlib import Path

from stoker.machine import cgroup

MEMINFO = Path("/proc/meminfo")


def total_bytes(meminfo: Path = MEMINFO) -> int:
    """Memory of the machine, or of the control group where that is less."""
    limit = cgroup.memory_limit_bytes()
    total = _meminfo(meminfo).get("MemTotal") or _sysconf_total()
    return total if limit is None else min(total, limit)


def available_bytes(meminfo: Path = MEMINFO) -> int:
    """Memory that can be taken now without swapping or passing the control group's limit."""
    available = _meminfo(meminfo).get("MemAvailable") or _sysconf_total()
    limit, used = cgroup.memory_limit_bytes(), cgroup.memory_used_bytes()
    if limit is None or used is None:
        return available
    return min(available, max(0, limit - used))


def _meminfo(path: Path) -> dict[str, int]:
    """The rows of `path` in bytes; empty where the system has no such file."""
    try:
        rows = (line.split() for line in path.read_text().splitlines())
        return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows if row[2:] == ["kB"]}
    except OSError:
        return {}


def _sysconf_total() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
