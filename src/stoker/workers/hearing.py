"""A caged child that says a few lines and ends: heard to its end, or ended at its deadline.

Owns that child's life. What it is and what its lines mean is for those who ask.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stoker.core.clock import Clock, within
from stoker.engines.base import Launch
from stoker.workers.caged import start_caged
from stoker.workers.limits import WorkerLimits
from stoker.workers.lines import LineTail
from stoker.workers.process import Ears


@dataclass(frozen=True, slots=True)
class Heard:
    """All lines of a child's standard output, and the last of its standard error, in order.

    `returncode` is how it ended; None where it was ended at its deadline.
    """

    lines: tuple[str, ...]
    last_words: tuple[str, ...]
    returncode: int | None


async def hear(
    launch: Launch, folder: Path, clock: Clock, deadline_s: float, limits: WorkerLimits
) -> Heard:
    """What the child of `launch`, in the private `folder`, says; it is gone then, whatever happens.

    Raises:
        EngineError: it could not be started.
    """
    lines: list[str] = []
    tail = LineTail(limits.stderr_lines, limits.stderr_bytes)
    ears = Ears(_first(lines, limits.stderr_lines), tail, limits.report_line_bytes)
    child = await start_caged(launch, folder, ears, limits.open_files)
    late = False
    try:
        await within(clock, deadline_s, child.wait())
    except TimeoutError:
        late = True
    finally:
        child.signal(signal.SIGKILL)
        with contextlib.suppress(TimeoutError):  # stuck in the kernel: we cannot do more
            await within(clock, limits.kill_s, child.wait())
    return Heard(tuple(lines), tail.lines, None if late else child.returncode or 0)


def _first(lines: list[str], most: int) -> Callable[[str], None]:
    """Hears the first `most` lines into `lines`."""

    def hear_line(line: str) -> None:
        if len(lines) < most:
            lines.append(line)

    return hear_line
