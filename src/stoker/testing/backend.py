"""Backends without processes: they live, answer and die when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from stoker.core.errors import StokerError
from stoker.core.model import ModelRef
from stoker.core.request import Request


class FakeStream:
    """A backend's chunks, iterated over or poured out."""

    def __init__(self, backend: FakeBackend) -> None:
        self._backend = backend
        self._left = list(backend.chunks)

    def __aiter__(self) -> FakeStream:
        return self

    async def __anext__(self) -> bytes:
        if self._left:
            return self._left.pop(0)
        if self._backend.error is not None:
            self._backend.end(self._backend.error)
            raise self._backend.error
        raise StopAsyncIteration

    async def pour(self, sink: Callable[[bytes], bool]) -> bool:
        """Give the chunks to `sink` until it is full or they have ended."""
        async for chunk in self:
            if not sink(chunk):
                return False
        return True


class FakeBackend:
    """Answers `chunks`, then breaks with `error` if it has one; `opened` counts open answers."""

    def __init__(
        self, chunks: Sequence[bytes] = (b"data: {}\n\n",), error: StokerError | None = None
    ) -> None:
        self.chunks = chunks
        self.error = error
        self.opened = 0
        self.ended: asyncio.Future[StokerError | None] = asyncio.Future()
        self.stopped = False
        self.drain_s: float | None = None

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[FakeStream]:  # noqa: ARG002 - the port
        """The chunks that this backend was made with, then its error if it has one."""
        self.opened += 1
        try:
            yield FakeStream(self)
        finally:
            self.opened -= 1

    async def wait_ended(self) -> StokerError | None:
        """Why it ended, once a test has ended it."""
        return await asyncio.shield(self.ended)

    async def stop(self, drain_s: float | None = None) -> None:
        """End on purpose."""
        self.stopped = True
        self.drain_s = drain_s
        self.end(None)

    def end(self, error: StokerError | None) -> None:
        """Be gone, for `error` or on purpose."""
        if not self.ended.done():
            self.ended.set_result(error)


@dataclass
class FakeStarter:
    """Hands out `coming` in order, then plain backends; holds each start where `held`."""

    held: bool = False
    error: StokerError | None = None
    coming: list[FakeBackend] = field(default_factory=list)
    started: list[FakeBackend] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, model: ModelRef) -> FakeBackend:  # noqa: ARG002 - the port gives it
        """The next backend, once the gate lets it; or the error that a test set."""
        if self.held:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        backend = self.coming.pop(0) if self.coming else FakeBackend()
        self.started.append(backend)
        return backend
