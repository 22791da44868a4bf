"""A connection that was opened ahead saves time and never costs an answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stoker.core.errors import StokerError, WorkerError, WorkerLostError
from stoker.engines.base import WireRequest
from stoker.testing.clock import ManualClock
from stoker.workers.limits import WorkerLimits
from stoker.workers.link import Link
from stoker.workers.spare import AGE_S_MAX

WIRE = WireRequest("/v1/completions", b"{}")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Engine:
    """A real listener on a Unix socket: `accepted` connections, `asked` the ones with a request."""

    def __init__(self) -> None:
        self.accepted: list[asyncio.StreamWriter] = []
        self.asked: list[int] = []
        self.changed = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted.append(writer)
        own = len(self.accepted)
        await self.note()
        if (await reader.read(65536)).startswith(b"POST"):
            self.asked.append(own)
            writer.write(ANSWER)
        await self.note()

    async def note(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def wait_accepted(self, count: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.accepted) >= count)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = Engine()
    server = await asyncio.start_unix_server(engine.serve, str(tmp_path / "e.sock"))
    yield engine
    server.close()
    for writer in engine.accepted:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.fixture
async def link(engine: Engine, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Link]:
    link = Link(tmp_path / "e.sock", connections=4, clock=clock, limits=WorkerLimits())
    yield link
    await link.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def ask(link: Link) -> bytes:
    async with link.open(WIRE, refuse) as stream:
        return b"".join([piece async for piece in stream])


def refuse(status: int, body: bytes) -> StokerError:
    return WorkerError(f"{status} {body!r}")


async def test_a_request_goes_over_the_connection_that_was_opened_ahead(
    link: Link, engine: Engine
) -> None:
    assert await ask(link) == b"ok"
    await engine.wait_accepted(2)
    await link._spare.wait_opened()
    assert await ask(link) == b"ok"
    assert engine.asked == [1, 2]


async def test_one_that_the_engine_hung_up_on_is_replaced_unseen(
    link: Link, engine: Engine
) -> None:
    await ask(link)
    await engine.wait_accepted(2)
    await link._spare.wait_opened()
    engine.accepted[1].close()
    assert await ask(link) == b"ok"
    assert engine.asked == [1, 3]


async def test_one_that_is_too_old_is_not_used(
    link: Link, engine: Engine, clock: ManualClock
) -> None:
    await ask(link)
    await engine.wait_accepted(2)
    await link._spare.wait_opened()
    await clock.advance(AGE_S_MAX)
    assert await ask(link) == b"ok"
    assert engine.asked == [1, 3]


async def test_a_closed_link_keeps_no_connection(link: Link, engine: Engine) -> None:
    await ask(link)
    await link.close()
    assert link._spare.take() is None
    link._spare.refill()
    assert link._spare._opening is None


async def test_an_opening_that_comes_to_no_end_is_given_up(
    link: Link, engine: Engine, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(asyncio.get_running_loop(), "create_unix_connection", never)
        link._spare.refill()
        await clock.wait_sleepers()
        await clock.advance(WorkerLimits().connect_s)
        assert clock.sleepers == 0
        await link._spare.wait_opened()
    assert link._spare.take() is None
    link._spare.refill()
    await engine.wait_accepted(1)


async def test_a_request_whose_connection_comes_to_no_end_is_given_up(
    link: Link, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "create_unix_connection", never)
    asking = asyncio.ensure_future(ask(link))
    await clock.wait_sleepers(2)
    await clock.advance(WorkerLimits().connect_s)
    with pytest.raises(WorkerLostError):
        await asking
