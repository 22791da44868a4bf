"""A text's logits from a caged child, block by block; nothing is kept but the block at hand.

Owns that child's life: it is killed when the reader leaves, whatever the reason. What the bytes
mean is `stoker.engines.llamacpp.logits`'; what follows from them is `divergence`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stoker.core.clock import Clock, SystemClock, within
from stoker.core.errors import EngineError, LoadTimeoutError, WorkerLostError
from stoker.engines.llamacpp.logits import LogitsHeader, Passage, launch_logits, read_header
from stoker.workers.caged import start_caged
from stoker.workers.limits import WorkerLimits
from stoker.workers.lines import LineTail
from stoker.workers.process import ChildProcess, Ears
from stoker.workers.runtime_dir import RuntimeDirectory

SILENCE_S = 300.0
BLOCK_BYTES = 4 << 20
_HEADER_BYTES_MAX = 4 << 20
_HEADER_LINES_MAX = 16
_PIECE_BYTES = 1 << 20
_SYSTEM_CLOCK = SystemClock()

Block = tuple[NDArray[np.float32], NDArray[np.int64]]


class ForcedText:
    """The logits of a text that come from a child; `header` first, `blocks` once."""

    def __init__(self, child: ChildProcess, tail: LineTail, clock: Clock) -> None:
        self._child = child
        self._output = child.output
        self._tail = tail
        self._clock = clock
        self._rest = bytearray()

    async def header(self) -> LogitsHeader:
        """What the child says of the text before any logits.

        Raises:
            LoadFailedError, InvalidRequestError, EngineError: as the child says.
            WorkerLostError, LoadTimeoutError: the child ended early, or is silent.
        """
        for _ in range(_HEADER_LINES_MAX):
            line = await self._line()
            if header := read_header(line.decode(errors="replace")):
                return header
        raise EngineError("The engine's child says something else than logits")

    async def blocks(self, header: LogitsHeader) -> AsyncIterator[Block]:
        """Logits of shape `(n, vocabulary)` and the `n` tokens that came; `n` at least 1.

        Raises:
            EngineError: a number is not finite: the model is broken, or the layout is not known.
            WorkerLostError, LoadTimeoutError: the child ended early, or is silent.
        """
        targets = np.array(header.targets, dtype=np.int64)
        step = max(1, BLOCK_BYTES // header.row_bytes)
        for start in range(0, len(targets), step):
            block = targets[start : start + step]
            data = await self._exactly(len(block) * header.row_bytes)
            rows = np.frombuffer(data, dtype=np.float32).reshape(len(block), -1)
            if not np.isfinite(rows).all():
                raise EngineError("The engine's logits are not finite numbers")
            yield rows, block

    async def _line(self) -> bytes:
        while b"\n" not in self._rest:
            if len(self._rest) > _HEADER_BYTES_MAX:
                raise EngineError("The engine's child says something else than logits")
            self._rest += await self._piece(_PIECE_BYTES)
        line, _, self._rest = self._rest.partition(b"\n")
        return bytes(line)

    async def _exactly(self, size: int) -> bytearray:
        data, self._rest = self._rest[:size], self._rest[size:]
        while len(data) < size:
            data += await self._piece(size - len(data))
        return data

    async def _piece(self, most: int) -> bytes:
        try:
            piece = await within(self._clock, SILENCE_S, self._output.read(most))
        except TimeoutError:
            raise LoadTimeoutError(f"The engine said nothing for {SILENCE_S:.0f} s") from None
        if not piece:
            raise WorkerLostError(f"The engine's child ended early: {await self._last_words()}")
        return piece

    async def _last_words(self) -> str:
        self._child.close_output()
        with contextlib.suppress(TimeoutError):
            await within(self._clock, WorkerLimits().terminate_s, self._child.wait())
        return next(
            (line.strip() for line in reversed(self._tail.lines) if line.strip()), "no word"
        )


@asynccontextmanager
async def forced(  # noqa: PLR0913 - what is read, by which model, where, and on what terms
    path: Path,
    text: str | Sequence[Passage],
    *,
    threads: int,
    tokens_max: int,
    directory: Path,
    clock: Clock = _SYSTEM_CLOCK,
) -> AsyncIterator[ForcedText]:
    """The logits of `text` by the model at `path`, from a child that ends with the block.

    `directory` is a private folder under which the child gets its own.

    Raises:
        InvalidRequestError: the text is too long.
        HomeError: there is no folder for the child.
    """
    limits = WorkerLimits()
    launch = launch_logits(path, text, threads=threads, tokens_max=tokens_max)
    tail = LineTail(limits.stderr_lines, limits.stderr_bytes)
    folder = RuntimeDirectory.make(directory)
    try:
        ears = Ears(None, tail, limits.report_line_bytes)
        child = await start_caged(launch, folder.path, ears, limits.open_files)
        try:
            yield ForcedText(child, tail, clock)
        finally:
            await _end(child, limits.kill_s)
    finally:
        folder.close()


async def _end(child: ChildProcess, seconds: float) -> None:
    child.signal(signal.SIGKILL)
    child.close_output()
    waiting = asyncio.ensure_future(child.wait())
    await asyncio.wait({waiting}, timeout=seconds)
