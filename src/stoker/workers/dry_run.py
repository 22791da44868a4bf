"""How much memory a plan takes, counted by its engine in a caged child that takes none of it.

Owns that child's hollow file, which is gone when the count is told, whatever ends it. What is
counted, and how it is said, is the engine's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stoker.core.clock import Clock, SystemClock
from stoker.core.errors import EngineError, LoadTimeoutError
from stoker.core.memory import MemoryNeed
from stoker.core.plan import Plan
from stoker.engines.base import Engine
from stoker.models.gguf.hollow import Hollow, read_hollow, write_hollow
from stoker.workers.hearing import Heard, hear
from stoker.workers.limits import WorkerLimits
from stoker.workers.process import describe_exit
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
        heard = await hear(engine.dry_run(here), runtime.path, clock, limits.count_s, limits)
        if heard.returncode is None:
            raise LoadTimeoutError(
                f"{plan.model.ref}: its memory was not counted in {limits.count_s:g} s"
            )
        return _read(here, engine, heard)
    finally:
        runtime.close()


def _read(plan: Plan, engine: Engine, heard: Heard) -> MemoryNeed:
    """The count that was told.

    Raises:
        EngineError: the child ended without a word, so nothing is known of the model.
        StokerError: what the engine makes of its words.
    """
    for line in heard.lines:
        need = engine.read_dry_run(plan, line)
        if need is not None:
            return need
    if not heard.last_words:
        how = describe_exit(heard.returncode or 0)
        raise EngineError(f"the process that counts {plan.model.ref} {how} wordlessly")
    raise engine.explain_failure(plan, heard.last_words)
