"""A text's logits from a caged child, block by block; nothing is kept but the block at hand.

Owns that child's life: it is killed when the reader leaves, whatever the reason. What the bytes
mean is `stoker.engines.llamacpp.logits`'; what follows from them is `divergence`'s.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from stoker.core.errors import EngineError, LoadTimeoutError, WorkerLostError
from stoker.engines.base import Launch
from stoker.engines.llamacpp.logits import LogitsHeader, launch_logits, read_header
from stoker.workers.environment import environment_for, policy_for
from stoker.workers.limits import WorkerLimits
from stoker.workers.process import python_argv

SILENCE_S = 300.0
BLOCK_BYTES = 16 << 20
_HEADER_BYTES_MAX = 4 << 20
_WORDS_BYTES = 2000
_END_S = 10.0


class ForcedText:
    """The logits of a text that come from a child; `header` first, `blocks` once."""

    def __init__(self, pipe: int, words: IO[bytes]) -> None:
        self._pipe = pipe
        self._words = words
        self._rest = b""
        self.header = self._read_header()

    def blocks(self) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        """Logits of shape `(n, vocabulary)` and the `n` tokens that came; `n` at least 1.

        Raises:
            EngineError: a number is not finite: the model is broken, or the layout is not known.
            WorkerLostError, LoadTimeoutError: the child ended early, or is silent.
        """
        targets = np.array(self.header.targets, dtype=np.int64)
        step = max(1, BLOCK_BYTES // self.header.row_bytes)
        for start in range(0, len(targets), step):
            block = targets[start : start + step]
            data = self._exactly(len(block) * self.header.row_bytes)
            rows = np.frombuffer(data, dtype=np.float32).reshape(len(block), -1)
            if not np.isfinite(rows).all():
                raise EngineError("The engine's logits are not finite numbers")
            yield rows, block

    def _read_header(self) -> LogitsHeader:
        lines = 0
        while lines <= 16:
            line, newline, rest = self._rest.partition(b"\n")
            if not newline:
                if len(self._rest) > _HEADER_BYTES_MAX:
                    break
                self._rest += self._piece(1 << 16)
                continue
            self._rest, lines = rest, lines + 1
            if header := read_header(line.decode(errors="replace")):
                return header
        raise EngineError("The engine's child says something else than logits")

    def _exactly(self, size: int) -> bytearray:
        data = bytearray(self._rest[:size])
        self._rest = self._rest[size:]
        while len(data) < size:
            data += self._piece(min(1 << 20, size - len(data)))
        return data

    def _piece(self, most: int) -> bytes:
        if not select.select([self._pipe], [], [], SILENCE_S)[0]:
            raise LoadTimeoutError(f"The engine said nothing for {SILENCE_S:.0f} s")
        piece = os.read(self._pipe, most)
        if not piece:
            raise WorkerLostError(f"The engine's child ended early: {self._last_words()}")
        return piece

    def _last_words(self) -> str:
        self._words.seek(max(0, self._words.seek(0, os.SEEK_END) - _WORDS_BYTES))
        lines = self._words.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "no word")


@contextmanager
def forced(path: Path, text: str, *, threads: int, tokens_max: int) -> Iterator[ForcedText]:
    """The logits of `text` by the model at `path`, from a child that ends with the block.

    Raises:
        LoadFailedError, InvalidRequestError, EngineError: as the child says.
    """
    launch = launch_logits(path, text, threads=threads, tokens_max=tokens_max)
    with (
        tempfile.TemporaryDirectory(prefix="stoker-logits-") as folder,
        tempfile.TemporaryFile() as words,
        _child(launch, Path(folder), words) as child,
    ):
        if child.stdout is None:
            raise WorkerLostError("The engine's child has no output")
        yield ForcedText(child.stdout.fileno(), words)


@contextmanager
def _child(launch: Launch, folder: Path, words: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(
        python_argv("stoker.workers.cage"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=words,
        env=environment_for(launch),
        cwd=folder,
        start_new_session=True,
    )
    try:
        _tell(child, launch, folder)
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(_END_S)
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def _tell(child: subprocess.Popen[bytes], launch: Launch, folder: Path) -> None:
    policy = policy_for(launch, folder, WorkerLimits().open_files)
    data = memoryview(policy.to_line() + json.dumps(dict(launch.spec)).encode() + b"\n")
    if child.stdin is None:
        return
    pipe, deadline = child.stdin.fileno(), time.monotonic() + SILENCE_S
    os.set_blocking(pipe, False)
    with contextlib.suppress(BrokenPipeError):  # it is gone: reading tells so
        while data and time.monotonic() < deadline:
            if select.select([], [pipe], [], 1.0)[1]:
                data = data[os.write(pipe, data) :]
