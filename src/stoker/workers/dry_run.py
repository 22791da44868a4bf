"""How much memory a plan takes, counted by its engine in a caged child that takes none of it.

Owns that child's life and its hollow file, both gone when the count is told, whatever ends it.
What is counted, and how it is said, is the engine's.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stoker.core.clock import Clock, SystemClock, within
from stoker.core.errors import EngineError, LoadTimeoutError
from stoker.core.memory import MemoryNeed
from stoker.core.plan import Plan
from stoker.engines.base import Engine, Launch
from stoker.models.gguf.hollow import Hollow, read_hollow, write_hollow
from stoker.workers.caged import start_caged
from stoker.workers.limits import WorkerLimits
from stoker.workers.lines import LineTail
from stoker.workers.process import ChildProcess, Ears, describe_exit
from stoker.workers.runtime_dir import RuntimeDirectory

_SYSTEM_CLOCK = SystemClock()
_LIMITS = WorkerLimits()


async def count_memory(  # noqa: PLR0913 - what is counted, where, and on what terms
    plan: Plan,
    engine: Engine,
    *,
    directory: Path,
    hollow: Sequence[Hollow] = (),
    clock: Clock = _SYSTEM_CLOCK,
    limits: WorkerLimits = _LIMITS,
) -> MemoryNeed:
    """What `plan` takes, as `engine` counts it: weights, KV cache, compute and output.

    `hollow` is the model's header where the model itself is not here; else its file is read.
    `directory` is a private folder, under which one for the child is made and removed.

    Raises:
        ModelFileError: the file is not a model, or not one for this engine.
        LoadTimeoutError: the engine did not answer in time.
        EngineError: it could not be asked, or is another one than its adapter knows.
        StokerError: what the engine makes of its failure.
    """
    parts = hollow or await asyncio.to_thread(read_hollow, plan.model.path)
    runtime = RuntimeDirectory.make(directory)
    try:
        path = await asyncio.to_thread(write_hollow, runtime.path, parts)
        here = replace(plan, model=replace(plan.model, path=path))
        return await _Count(here, engine, runtime.path, limits).told(engine.dry_run(here), clock)
    finally:
        runtime.close()


class _Count:
    """One child that counts `plan` in `folder`."""

    def __init__(self, plan: Plan, engine: Engine, folder: Path, limits: WorkerLimits) -> None:
        self._plan = plan
        self._engine = engine
        self._folder = folder
        self._limits = limits
        self._tail = LineTail(limits.stderr_lines, limits.stderr_bytes)
        self._lines: list[str] = []

    async def told(self, launch: Launch, clock: Clock) -> MemoryNeed:
        """What the child says; it is gone then.

        Raises:
            LoadTimeoutError: it said nothing in time.
            EngineError: it ended without a word, so nothing is known of the model.
            StokerError: what the engine makes of its words.
        """
        ears = Ears(self._hear, self._tail, self._limits.report_line_bytes)
        child = await start_caged(launch, self._folder, ears, self._limits.open_files)
        try:
            await within(clock, self._limits.count_s, child.wait())
        except TimeoutError:
            raise LoadTimeoutError(
                f"{self._plan.model.ref}: its memory was not counted in {self._limits.count_s:g} s"
            ) from None
        finally:
            child.signal(signal.SIGKILL)
            with contextlib.suppress(TimeoutError):  # stuck in the kernel: we cannot do more
                await within(clock, self._limits.kill_s, child.wait())
        return self._read(child)

    def _hear(self, line: str) -> None:
        if len(self._lines) < self._limits.stderr_lines:
            self._lines.append(line)

    def _read(self, child: ChildProcess) -> MemoryNeed:
        for line in self._lines:
            need = self._engine.read_dry_run(self._plan, line)
            if need is not None:
                return need
        if not self._tail.lines:
            how = describe_exit(child.returncode or 0)
            raise EngineError(f"the process that counts {self._plan.model.ref} {how} wordlessly")
        raise self._engine.explain_failure(self._plan, self._tail.lines)
