"""One child process: its pipes, its last words and its end.

Owns spawning, the life line (standard input stays open as long as we live), reading the other
two pipes and signalling. What the lines mean is left to `worker`; the cage to `cage`.

The child asks the kernel to be killed when its parent ends (`sandbox.die_with_parent`). Linux
counts the spawning *thread* as the parent: spawn from a loop whose thread outlives the worker.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stoker.workers.lines import LineSplitter, LineTail

_READ_BYTES = 64 * 1024
_PIPES_AFTER_EXIT_S = 2.0


def describe_exit(status: int) -> str:
    """The exit `status` of a process in words: `killed by SIGKILL`, `ended with status 3`."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears the child: `on_line` each line of its standard output, `tail` its errors.

    Lines are cut at `line_bytes`. Without `on_line` the output is left to `ChildProcess.output`.
    """

    on_line: Callable[[str], None] | None
    tail: LineTail
    line_bytes: int


class ChildProcess:
    """A running child; made by `spawn`, over after `wait`."""

    def __init__(self, process: asyncio.subprocess.Process, ears: Ears) -> None:
        self._process = process
        self._readers = [
            asyncio.ensure_future(_pump(pipe, take, ears.line_bytes))
            for pipe, take in ((process.stdout, ears.on_line), (process.stderr, ears.tail.append))
            if pipe is not None and take is not None
        ]
        self._output_done = asyncio.Event()
        if ears.on_line is not None:
            self._output_done.set()
        self._end = asyncio.ensure_future(self._watch())

    @classmethod
    async def spawn(
        cls,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        ears: Ears,
    ) -> ChildProcess:
        """The process that `argv` starts in `directory`; its cage makes it a process group.

        Not a session: Linux schedules each session as a group, and an engine whose threads fill
        the cores was measured to decode 4 % slower in one of its own.

        Raises:
            OSError: the process cannot be started.
        """
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(environment),
            cwd=directory,
        )
        return cls(process, ears)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None while the process runs."""
        return self._process.returncode

    @property
    def output(self) -> asyncio.StreamReader:
        """The standard output of a child without `on_line`, as bytes; read at the reader's pace.

        Raises:
            ValueError: its lines go to `on_line`.
        """
        if self._process.stdout is None or self._output_done.is_set():
            raise ValueError("this child's output is read already")
        return self._process.stdout

    def close_output(self) -> None:
        """Say that no more of `output` will be read; until then `wait` waits."""
        self._output_done.set()

    async def tell(self, data: bytes) -> None:
        """Write `data` to the child's standard input, which stays open.

        A child that is gone is no error here: `wait` tells of it.
        """
        stdin = self._process.stdin
        if stdin is None or stdin.is_closing():
            return
        stdin.write(data)
        try:
            await stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            return

    def signal(self, number: signal.Signals) -> None:
        """Send `number` to the child and to what it started; nothing if it is gone."""
        if self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:  # so young that it is no group yet, or gone
                os.kill(self._process.pid, number)

    async def wait(self) -> int:
        """The exit status, once the process has ended and its pipes are read to their ends."""
        return await asyncio.shield(self._end)

    async def _watch(self) -> int:
        status = await self._process.wait()
        _, late = await asyncio.wait(self._readers, timeout=_PIPES_AFTER_EXIT_S)
        for task in late:  # somebody else inherited the pipe and holds it open
            task.cancel()
        await self._output_done.wait()  # closing the pipe would throw away what is still in it
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio offers no other way to close held pipes
        return status


async def _pump(
    pipe: asyncio.StreamReader, on_line: Callable[[str], None], line_bytes: int
) -> None:
    splitter = LineSplitter(line_bytes)
    while piece := await pipe.read(_READ_BYTES):
        for line in splitter.feed(piece):
            on_line(line)
    if rest := splitter.flush():
        on_line(rest)


def memory_of(pid: int) -> tuple[int, int]:
    """Resident memory of process `pid` and its peak, in bytes; zeros where it cannot be read."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0, 0
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return _kib(fields.get("VmRSS", "")), _kib(fields.get("VmHWM", ""))


def _kib(field: str) -> int:
    words = field.split()
    return int(words[0]) * 1024 if words else 0


def python_argv(module: str) -> list[str]:
    """The command that runs `module` with this Python; the working directory is not on its path."""
    return [sys.executable, "-P", "-m", module]
