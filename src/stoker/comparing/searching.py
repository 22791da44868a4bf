"""Patterns searched for in a child process, where one that finds no end can be stopped.

Python's own search backtracks, for some patterns longer than anybody waits, and nothing interrupts
it: neither a cancelled task nor Ctrl-C. So a child does it, which is killed at a deadline; the
next search starts another. What is searched for in what is `matching`'s.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from stoker.core.clock import Clock, within
from stoker.core.errors import PatternSearchError

START_S = 30.0
SEARCH_S = 5
_CHILD = Path(__file__).with_name("search_child.py")


class PatternSearch:
    """One search at a time; the child lives from the first one to the end of the block."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._child: Process | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end()

    async def found(self, pattern: str, text: str) -> bool:
        """Whether the regular expression `pattern` matches somewhere in `text`.

        Raises:
            PatternSearchError: not within `SEARCH_S` seconds, or the child was lost.
        """
        async with self._turn:
            try:
                with _errors():
                    child = self._child or await self._start()
                    return await within(self._clock, SEARCH_S, _ask(child, pattern, text))
            except BaseException:
                await self._end()  # it may be searching still
                raise

    async def _start(self) -> Process:
        argv = (sys.executable, "-I", "-S", str(_CHILD), str(2 * SEARCH_S))
        self._child = await asyncio.create_subprocess_exec(
            *argv, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True
        )
        await within(self._clock, START_S, _ask(self._child, "", ""))
        return self._child

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            if child.returncode is None:
                child.kill()
            await child.communicate()


async def _ask(child: Process, pattern: str, text: str) -> bool:
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("the child has no pipes")
    child.stdin.write(json.dumps([pattern, text]).encode() + b"\n")
    await child.stdin.drain()
    line = await child.stdout.readline()
    if not line:
        raise ConnectionResetError("its process was lost")
    return bool(json.loads(line))


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        words = f"A pattern was searched for during {SEARCH_S} s and came to no end"
        raise PatternSearchError(words) from None
    except OSError as error:
        raise PatternSearchError(f"A pattern could not be searched for: {error}") from error
