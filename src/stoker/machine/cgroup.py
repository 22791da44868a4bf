"""The limits of the control group that this process lives in (v2, and v1 where that is mounted).

Owns the walk from the process's own group up to the root; what the limits mean is decided by
`cpu` and `memory`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
SELF = Path("/proc/self/cgroup")
# v1 states "no limit" as the largest multiple of the page size that fits a signed 64-bit integer.
_V1_UNLIMITED = 1 << 62


def memory_limit_bytes(mount: Path = MOUNT, own: Path = SELF) -> int | None:
    """The smallest memory limit of this process's groups, in bytes; None if there is none."""
    limits = [
        int(text)
        for folder in _folders("memory", mount, own)
        for name in ("memory.max", "memory.limit_in_bytes")
        if (text := _read(folder / name)).isdigit() and int(text) < _V1_UNLIMITED
    ]
    return min(limits, default=None)


def memory_used_bytes(mount: Path = MOUNT, own: Path = SELF) -> int | None:
    """What this process's own group uses without reclaimable file pages; None if not told."""
    for folder in _folders("memory", mount, own):
        used = _read(folder / "memory.current") or _read(folder / "memory.usage_in_bytes")
        if used.isdigit():
            return max(0, int(used) - _inactive_file_bytes(folder))
    return None


def cpu_quota(mount: Path = MOUNT, own: Path = SELF) -> float | None:
    """Processors' worth of time that the tightest group may use; None if unlimited."""
    quotas = [
        quota
        for folder in _folders("cpu", mount, own)
        if (quota := _quota_v2(folder) or _quota_v1(folder)) is not None
    ]
    return min(quotas, default=None)


def _folders(controller: str, mount: Path, own: Path) -> Iterator[Path]:
    for line in _read(own).splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        root = mount / controller if controllers else mount
        group = root / path.strip("/")
        yield group
        yield from (parent for parent in group.parents if parent.is_relative_to(root))


def _quota_v2(folder: Path) -> float | None:
    quota, _, period = _read(folder / "cpu.max").partition(" ")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _quota_v1(folder: Path) -> float | None:
    quota = _read(folder / "cpu.cfs_quota_us")
    period = _read(folder / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _inactive_file_bytes(folder: Path) -> int:
    for line in _read(folder / "memory.stat").splitlines():
        key, _, value = line.partition(" ")
        if key in ("inactive_file", "total_inactive_file") and value.isdigit():
            return int(value)
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
