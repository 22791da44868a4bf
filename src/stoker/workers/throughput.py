"""How fast this machine's engine multiplies, timed in a caged child on models of random weights.

Owns that child's model files, all gone when the figures are told, whatever ends it. How it is
timed is the engine's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from stoker.core.clock import Clock, SystemClock
from stoker.core.errors import StokerError, WorkerLostError
from stoker.engines.base import Engine, Passes
from stoker.models.synthetic.write import Shape, write_model
from stoker.workers.hearing import Heard, hear
from stoker.workers.limits import WorkerLimits
from stoker.workers.runtime_dir import RuntimeDirectory

# One layer with the proportions of a model of 7 billion, at half its width; few words, for the
# output matrix takes part with one row of the batch only.
SHAPE = Shape(layers=1, hidden=2048, heads=32, kv_heads=8, ffn=5632, vocabulary=512, context=2048)
DEADLINE_S = 5.0
_SYSTEM_CLOCK = SystemClock()
_LIMITS = WorkerLimits()


def ops_per_token(shape: Shape) -> int:
    """Multiplications and additions by the layers' matrices for one token of a prefill."""
    head = shape.hidden // shape.heads
    attention = 2 * shape.hidden * shape.hidden + 2 * shape.hidden * head * shape.kv_heads
    return 2 * shape.layers * (attention + 3 * shape.hidden * shape.ffn)


async def matmul_rates(
    engine: Engine,
    kinds: Sequence[str],
    threads: int,
    directory: Path,
    clock: Clock = _SYSTEM_CLOCK,
) -> dict[str, tuple[float, ...]]:
    """Operations a second of each pass by `engine`, by the weights' format; those in time.

    `directory` is a private folder, under which one for the child is made and removed. The child
    has `DEADLINE_S`; a machine so slow that it gets no format done has an empty answer.

    Raises:
        HomeError: the files cannot be written.
        LoadFailedError, EngineError: as the child says.
        WorkerLostError: the child ended without a word.
    """
    folder = RuntimeDirectory.make(directory)
    try:
        models = {kind: folder.path / f"{kind}.gguf" for kind in kinds}
        for kind, path in models.items():
            await asyncio.to_thread(write_model, path, SHAPE, kind)
        launch = engine.throughput(models, threads)
        heard = await hear(launch, folder.path, clock, DEADLINE_S, _LIMITS)
    finally:
        folder.close()
    return {one.name: _rates(one) for one in _passes(engine, heard)}


def _rates(passes: Passes) -> tuple[float, ...]:
    amount = ops_per_token(SHAPE) * passes.tokens
    return tuple(amount / seconds for seconds in passes.seconds if seconds > 0)


def _passes(engine: Engine, heard: Heard) -> list[Passes]:
    """The passes that were told, up to an error; that is raised where nothing came before.

    Raises:
        LoadFailedError, EngineError: as the child says.
        WorkerLostError: it ended without a word.
    """
    found: list[Passes] = []
    for line in heard.lines:
        try:
            passes = engine.read_throughput(line)
        except StokerError:
            if not found:
                raise
            break
        if passes is not None:
            found.append(passes)
    if not found and heard.returncode is not None:
        words = next((line for line in reversed(heard.last_words) if line.strip()), "no word")
        raise WorkerLostError(f"The engine's child ended early: {words.strip()}")
    return found
