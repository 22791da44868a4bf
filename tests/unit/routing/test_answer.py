"""One request's way: retried unseen while no byte went out, never after."""

from __future__ import annotations

import asyncio

import pytest

from stoker.core.errors import DrainingError, EngineError, StokerError, WorkerLostError
from stoker.core.model import ModelRef
from stoker.core.request import Kind, Request
from stoker.routing.answer import ATTEMPTS_MAX, _first_bytes, answer
from stoker.scheduling.loop import Capacity, Scheduler
from stoker.testing.backend import FakeBackend, FakeStarter, FakeStream
from stoker.testing.clock import ManualClock

STARTER = ModelRef("starter")
REQUEST = Request("1", STARTER, Kind.COMPLETION, inputs=("a",))
REPORT = b'data: {"prompt_progress":{}}\n\n'
LOST = WorkerLostError("gone")


class PromptClock(ManualClock):
    """No time passes in a restart's delay; deadlines never come."""

    async def sleep(self, seconds: float) -> None:
        if seconds >= 60:
            await super().sleep(seconds)


def over(*coming: FakeBackend) -> tuple[Scheduler[FakeBackend], FakeStarter]:
    starter = FakeStarter(coming=list(coming))
    return Scheduler({STARTER: Capacity(1, 4, 60)}, starter, PromptClock()), starter


def busy(scheduler: Scheduler[FakeBackend]) -> int:
    return scheduler.view()[0].occupancy.busy


async def read(scheduler: Scheduler[FakeBackend]) -> tuple[bytes, int]:
    async with answer(scheduler, REQUEST) as begun:
        return begun.first + b"".join([chunk async for chunk in begun.rest]), begun.attempts


async def test_an_answer_comes_without_the_reports_before_it() -> None:
    scheduler, _ = over(FakeBackend([REPORT, REPORT, b"a\n\n", b"b"]))
    assert await read(scheduler) == (b"a\n\nb", 1)
    assert busy(scheduler) == 0
    await scheduler.drain(1)


async def test_a_backend_lost_while_it_read_the_prompt_is_replaced_unseen() -> None:
    scheduler, starter = over(FakeBackend([REPORT], LOST), FakeBackend([], LOST))
    assert await read(scheduler) == (b"data: {}\n\n", 3)
    assert [backend.opened for backend in starter.started] == [0, 0, 0]
    assert busy(scheduler) == 0
    await scheduler.drain(1)


async def test_a_backend_lost_after_its_first_byte_is_an_error_and_no_second_try() -> None:
    scheduler, starter = over(FakeBackend([b"a\n\n", b"b"], LOST))
    with pytest.raises(WorkerLostError, match="gone"):
        await read(scheduler)
    assert starter.started[0].opened == 0
    assert busy(scheduler) == 0
    await scheduler.drain(1)


async def test_tries_come_to_an_end() -> None:
    scheduler, starter = over(*(FakeBackend([], LOST) for _ in range(9)))
    with pytest.raises(WorkerLostError):
        await read(scheduler)
    assert len(starter.started) in (ATTEMPTS_MAX, ATTEMPTS_MAX + 1)
    await scheduler.drain(1)


async def test_a_refusal_is_not_tried_again() -> None:
    refusing = FakeBackend([], EngineError("no"))
    scheduler, _ = over(refusing)
    with pytest.raises(EngineError):
        await read(scheduler)
    assert refusing.opened == 0
    await scheduler.drain(1)


@pytest.mark.parametrize("left", [StokerError, KeyboardInterrupt])
async def test_whatever_ends_the_reading_gives_the_slot_back(left: type[BaseException]) -> None:
    backend = FakeBackend([b"a\n\n", b"b"])
    scheduler, _ = over(backend)

    async def leave() -> None:
        async with answer(scheduler, REQUEST):
            assert busy(scheduler) == backend.opened == 1
            raise left

    with pytest.raises(left):
        await leave()
    assert busy(scheduler) == backend.opened == 0
    await scheduler.drain(1)


async def test_a_draining_service_takes_nothing() -> None:
    scheduler, _ = over()
    await scheduler.drain(1)
    with pytest.raises(DrainingError):
        await read(scheduler)


async def test_only_an_answer_that_came_to_its_end_forgives_the_failures() -> None:
    scheduler, _ = over(*(FakeBackend([b"a\n\n"], LOST) for _ in range(3)))
    for _ in range(3):
        async with answer(scheduler, REQUEST) as begun:  # as the gateway does: it answers the error
            with pytest.raises(WorkerLostError):
                await begun.rest.pour(lambda _: True)
        for _ in range(20):  # the loss is noticed, and the next backend starts
            await asyncio.sleep(0)
    assert scheduler._seats[STARTER].failures == 3
    await read(scheduler)
    assert scheduler._seats[STARTER].failures == 0
    await scheduler.drain(1)


async def test_an_answer_that_ends_before_it_begins_is_a_lost_backend() -> None:
    with pytest.raises(WorkerLostError, match="before it began"):
        await _first_bytes(FakeStream(FakeBackend([REPORT])))
