"""How far a model is read: told from what the kernel says that the child has read.

No engine needs to know of it. A file that is mapped instead of read shows no progress, and nothing
is told then. What the child reads besides the model is small beside a model worth watching.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from stoker.core.clock import Clock

PERIOD_S = 0.1
PROC = Path("/proc")


@asynccontextmanager
async def reading_told(
    pid: int, total_bytes: int, clock: Clock, tell: Callable[[float], None] | None
) -> AsyncIterator[None]:
    """Within the block, `tell` hears from 0 to 1 how much of the model process `pid` has read."""
    if tell is None or total_bytes <= 0:
        yield
        return
    task = asyncio.ensure_future(_follow(pid, total_bytes, clock, tell))
    try:
        yield
    finally:
        task.cancel()


def bytes_read(pid: int, proc: Path = PROC) -> int | None:
    """What process `pid` has read in its life, in bytes; None where the kernel does not tell us."""
    return _counted(pid, "rchar", proc)


def bytes_from_disk(pid: int, proc: Path = PROC) -> int | None:
    """What of that came from a disk and not from memory; None where the kernel does not tell us."""
    return _counted(pid, "read_bytes", proc)


def _counted(pid: int, name: str, proc: Path) -> int | None:
    try:
        text = (proc / str(pid) / "io").read_text(encoding="ascii")
    except OSError:
        return None
    fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return int(fields[name]) if fields.get(name, "").isdigit() else None


async def _follow(pid: int, total_bytes: int, clock: Clock, tell: Callable[[float], None]) -> None:
    while (count := bytes_read(pid)) is not None:
        tell(min(1.0, count / total_bytes))
        await clock.sleep(PERIOD_S)
