"""How fast this machine's engine multiplies, timed in a caged child on models of random weights.

Owns that child's life and its model files, all gone when the figures are told, whatever ends it.
How it is timed is the engine's.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path

from stoker.core.clock import Clock, SystemClock, within
from stoker.core.errors import StokerError, WorkerLostError
from stoker.engines.llamacpp.throughput import Passes, launch_throughput, read_passes
from stoker.models.synthetic.write import Shape, write_model
from stoker.workers.caged import start_caged
from stoker.workers.limits import WorkerLimits
from stoker.workers.lines import LineTail
from stoker.workers.process import Ears
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
    kinds: Sequence[str], threads: int, directory: Path, clock: Clock = _SYSTEM_CLOCK
) -> dict[str, tuple[float, ...]]:
    """Operations a second of each pass, by the weights' format; those that came in time.

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
        heard = await _Timing(folder.path).told(models, threads, clock)
    finally:
        folder.close()
    return {one.name: _rates(one) for one in heard}


def _rates(passes: Passes) -> tuple[float, ...]:
    amount = ops_per_token(SHAPE) * passes.tokens
    return tuple(amount / seconds for seconds in passes.seconds if seconds > 0)


class _Timing:
    """One child, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tail = LineTail(_LIMITS.stderr_lines, _LIMITS.stderr_bytes)
        self._lines: list[str] = []

    async def told(self, models: dict[str, Path], threads: int, clock: Clock) -> list[Passes]:
        """What the child told until it ended, or was ended at its deadline."""
        launch = launch_throughput(models, threads=threads)
        ears = Ears(self._hear, self._tail, _LIMITS.report_line_bytes)
        child = await start_caged(launch, self._folder, ears, _LIMITS.open_files)
        late = False
        try:
            await within(clock, DEADLINE_S, child.wait())
        except TimeoutError:
            late = True
        finally:
            child.signal(signal.SIGKILL)
            with contextlib.suppress(TimeoutError):  # stuck in the kernel: we cannot do more
                await within(clock, _LIMITS.kill_s, child.wait())
        heard = self._heard()
        if not heard and not late:
            words = next((line for line in reversed(self._tail.lines) if line.strip()), "no word")
            raise WorkerLostError(f"The engine's child ended early: {words.strip()}")
        return heard

    def _heard(self) -> list[Passes]:
        """The passes that were told, up to an error; that is raised where nothing came before."""
        heard: list[Passes] = []
        for line in self._lines:
            try:
                passes = read_passes(line)
            except StokerError:
                if not heard:
                    raise
                break
            if passes is not None:
                heard.append(passes)
        return heard

    def _hear(self, line: str) -> None:
        if len(self._lines) < _LIMITS.stderr_lines:
            self._lines.append(line)
