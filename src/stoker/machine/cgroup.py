"""The limits of the control group that this process lives in (v2, and v1 where that is mounted).

Owns the walk from the process's own group up to the root; what the limits mean is decided by
`cpu` and `memory`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stoker.machine.system_files import HERE, Roots, parse_count, parse_rows, read_count, read_text

# v1 states "no limit" as the largest multiple of the page size that fits a signed 64-bit integer.
_V1_UNLIMITED = 1 << 62
# Beyond `high` the kernel takes pages away as fast as they are asked for: as good as a limit.
_LIMITS = ("memory.max", "memory.high", "memory.limit_in_bytes")


def memory_limit_bytes(roots: Roots = HERE) -> int | None:
    """The smallest memory limit of this process's groups, in bytes; None if there is none."""
    limits = (_limit(folder) for folder in _folders("memory", roots))
    return min((limit for limit in limits if limit is not None), default=None)


def memory_room_bytes(roots: Roots = HERE) -> int | None:
    """What every one of this process's groups still lets it take; None if none has a limit.

    File pages that can be reclaimed count as free.
    """
    rooms = [
        max(0, limit - used)
        for folder in _folders("memory", roots)
        if (limit := _limit(folder)) is not None and (used := _used(folder)) is not None
    ]
    return min(rooms, default=None)


def memory_pressure(roots: Roots = HERE) -> str:
    """The pressure file of this process's own group (v2); empty if there is none."""
    texts = (read_text(folder / "memory.pressure") for folder in _folders("memory", roots))
    return next((text for text in texts if text), "")


def cpu_quota(roots: Roots = HERE) -> float | None:
    """Processors' worth of time that the tightest group may use; None if unlimited."""
    quotas = (_quota_v2(folder) or _quota_v1(folder) for folder in _folders("cpu", roots))
    return min((quota for quota in quotas if quota is not None), default=None)


def _folders(controller: str, roots: Roots) -> Iterator[Path]:
    """This process's groups that have `controller`, the own one first."""
    mount = roots.sys / "fs" / "cgroup"
    for line in read_text(roots.proc / "self" / "cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        root = mount / controller if controllers else _unified(mount)
        # A container may see its host's path; the walk up still ends at its own root.
        group = root.joinpath(*(part for part in path.split("/") if part.strip(".")))
        yield group
        yield from (parent for parent in group.parents if parent.is_relative_to(root))


def _unified(mount: Path) -> Path:
    """Where v2 is mounted: beside the hierarchies of v1, or alone."""
    hybrid = mount / "unified"
    return hybrid if hybrid.is_dir() else mount


def _limit(folder: Path) -> int | None:
    limits = (read_count(folder / name) for name in _LIMITS)
    known = (limit for limit in limits if limit is not None and limit < _V1_UNLIMITED)
    return min(known, default=None)


def _used(folder: Path) -> int | None:
    used = read_count(folder / "memory.current")
    if used is None:
        used = read_count(folder / "memory.usage_in_bytes")
    return None if used is None else max(0, used - _inactive_file_bytes(folder))


def _quota_v2(folder: Path) -> float | None:
    quota, _, period = read_text(folder / "cpu.max").partition(" ")
    return _share(quota, period)


def _quota_v1(folder: Path) -> float | None:
    return _share(read_text(folder / "cpu.cfs_quota_us"), read_text(folder / "cpu.cfs_period_us"))


def _share(quota: str, period: str) -> float | None:
    part, whole = parse_count(quota), parse_count(period)
    return part / whole if part and whole else None


def _inactive_file_bytes(folder: Path) -> int:
    """Of the group and of those below it: v1 writes them apart, v2 has only the sum."""
    rows = parse_rows(read_text(folder / "memory.stat"), " ")
    found = rows.get("total_inactive_file", rows.get("inactive_file", ""))
    return parse_count(found) or 0
