"""Backends without processes: they live, answer and die when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from stoker.core.errors import StokerError
from stoker.core.model import ModelRef
from stoker.core.request import Request


class FakeBackend:
    """Ends when told; counts what is open."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[StokerError | None] = asyncio.Future()
        self.stopped = False

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"data: {}\n\n"

        yield chunks()

    async def wait_ended(self) -> StokerError | None:
        return await asyncio.shield(self.ended)

    async def stop(self) -> None:
        self.stopped = True
        self.end(None)

    def end(self, error: StokerError | None) -> None:
        if not self.ended.done():
            self.ended.set_result(error)


@dataclass
class FakeStarter:
    """Hands out backends; holds each start until it is let go where `held`."""

    held: bool = False
    error: StokerError | None = None
    started: list[FakeBackend] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, model: ModelRef) -> FakeBackend:
        if self.held:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        backend = FakeBackend()
        self.started.append(backend)
        return backend
