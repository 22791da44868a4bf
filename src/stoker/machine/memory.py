"""How much memory this process may have, how much of it is free, and who waits for it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from stoker.machine import cgroup
from stoker.machine.pressure import parse_pressure, read_pressure
from stoker.machine.system_files import HERE, Roots, parse_count, read_text


@dataclass(frozen=True, slots=True)
class Memory:
    """Sizes in bytes; `total_bytes` and `available_bytes` are under the group's limit.

    `pressure` is the share of the last ten seconds in which somebody waited for memory, of the
    machine or of this process's group, whichever is more; None where the kernel does not tell.
    """

    total_bytes: int
    available_bytes: int
    limit_bytes: int | None
    swap_total_bytes: int
    swap_free_bytes: int
    pressure: float | None


def read_memory(roots: Roots = HERE) -> Memory:
    """The memory of this machine now, as far as this process may take it."""
    rows = parse_meminfo(read_text(roots.proc / "meminfo"))
    limit, room = cgroup.memory_limit_bytes(roots), cgroup.memory_room_bytes(roots)
    total = rows.get("MemTotal") or _sysconf_total()
    available = rows.get("MemAvailable", rows.get("MemFree", total))
    return Memory(
        total_bytes=total if limit is None else min(total, limit),
        available_bytes=available if room is None else min(available, room),
        limit_bytes=limit,
        swap_total_bytes=rows.get("SwapTotal", 0),
        swap_free_bytes=rows.get("SwapFree", 0),
        pressure=_pressure(roots),
    )


def parse_meminfo(text: str) -> dict[str, int]:
    """The rows of `/proc/meminfo` that are sizes, in bytes."""
    rows = (line.split() for line in text.splitlines())
    return {
        row[0].removesuffix(":"): size * 1024
        for row in rows
        if len(row) == 3 and row[2] == "kB" and (size := parse_count(row[1])) is not None
    }


def _pressure(roots: Roots) -> float | None:
    own = parse_pressure(cgroup.memory_pressure(roots))
    known = [one.share for one in (read_pressure("memory", roots), own) if one is not None]
    return max(known, default=None)


def _sysconf_total() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not on Windows
        return 0
