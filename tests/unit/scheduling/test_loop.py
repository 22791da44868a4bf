"""The scheduler keeps its promises whatever the order of events."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.errors import (
    DrainingError,
    LoadFailedError,
    ModelFileTruncatedError,
    ModelNotFoundError,
    QueueFullError,
    QueueTimeoutError,
    StokerError,
    WorkerLostError,
)
from stoker.core.model import ModelRef
from stoker.scheduling.loop import Capacity, Lease, Scheduler
from stoker.testing.backend import FakeBackend, FakeStarter
from stoker.testing.clock import ManualClock

STARTER = ModelRef("starter")


def make(
    starter: FakeStarter, *, slots: int = 1, queue_max: int = 4, wait_s: float = 10.0
) -> tuple[Scheduler[FakeBackend], ManualClock]:
    clock = ManualClock()
    return Scheduler({STARTER: Capacity(slots, queue_max, wait_s)}, starter, clock), clock


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_model_is_started_on_first_use_and_kept() -> None:
    starter = FakeStarter()
    scheduler, _ = make(starter)
    for _ in range(3):
        async with scheduler.lease(STARTER) as lease:
            assert lease.backend is starter.started[0]
    assert len(starter.started) == 1
    await scheduler.drain(1)
    assert starter.started[0].stopped


async def test_an_unknown_model_is_named_with_those_that_are_there() -> None:
    scheduler, _ = make(FakeStarter())
    with pytest.raises(ModelNotFoundError, match="there is: starter"):
        async with scheduler.lease(ModelRef("other")):
            pass


async def test_requests_beyond_the_slots_wait_in_order() -> None:
    scheduler, _ = make(FakeStarter(), slots=1)
    order: list[int] = []

    async def ask(number: int) -> None:
        async with scheduler.lease(STARTER):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(ask(number) for number in range(4)))
    assert order == [0, 1, 2, 3]
    await scheduler.drain(1)


async def test_a_full_queue_refuses_at_once() -> None:
    scheduler, _ = make(FakeStarter(held=True), queue_max=1)
    first = asyncio.ensure_future(scheduler.lease(STARTER).__aenter__())
    await settle()
    with pytest.raises(QueueFullError):
        await scheduler.lease(STARTER).__aenter__()
    first.cancel()
    await scheduler.drain(0)


async def test_waiting_ends_at_its_deadline() -> None:
    scheduler, clock = make(FakeStarter(held=True), wait_s=3)
    waiting = asyncio.ensure_future(scheduler.lease(STARTER).__aenter__())
    await settle()
    await clock.advance(3)
    with pytest.raises(QueueTimeoutError):
        await waiting
    assert scheduler.view()[0].occupancy.waiting == 0
    draining = asyncio.ensure_future(scheduler.drain(1))
    await settle()
    await draining


async def test_who_leaves_the_queue_makes_room() -> None:
    scheduler, _ = make(FakeStarter(held=True))
    waiting = asyncio.ensure_future(scheduler.lease(STARTER).__aenter__())
    await settle()
    waiting.cancel()
    await settle()
    assert scheduler.view()[0].occupancy.waiting == 0
    await scheduler.drain(1)


async def test_a_failed_start_tells_everybody_who_waits_and_the_next_may_try_again() -> None:
    starter = FakeStarter(error=LoadFailedError("no"))
    scheduler, _ = make(starter)
    for _ in range(2):
        with pytest.raises(LoadFailedError):
            async with scheduler.lease(STARTER):
                pass
        starter.error = LoadFailedError("no") if len(starter.started) else None
        if starter.error is None:
            break
    async with scheduler.lease(STARTER):
        pass
    assert not scheduler.view()[0].failed
    await scheduler.drain(1)


async def test_a_lost_backend_is_replaced_and_its_leases_hold_no_slot_of_the_next() -> None:
    starter = FakeStarter()
    scheduler, _ = make(starter, slots=1)
    async with scheduler.lease(STARTER):
        starter.started[0].end(WorkerLostError())
        await settle()
        async with scheduler.lease(STARTER) as second:
            assert second.backend is starter.started[1]
            assert scheduler.view()[0].occupancy.busy == 1
    assert scheduler.view()[0].occupancy.busy == 0
    await scheduler.drain(1)


async def test_draining_refuses_what_is_new_and_waits_for_what_runs() -> None:
    scheduler, _ = make(FakeStarter())
    lease = scheduler.lease(STARTER)
    await lease.__aenter__()
    draining = asyncio.ensure_future(scheduler.drain(60))
    await settle()
    with pytest.raises(DrainingError):
        await scheduler.lease(STARTER).__aenter__()
    assert not draining.done()
    await lease.__aexit__(None, None, None)
    await draining


async def test_draining_ends_at_its_deadline_and_refuses_those_who_wait() -> None:
    scheduler, clock = make(FakeStarter(held=True))
    waiting = asyncio.ensure_future(scheduler.lease(STARTER).__aenter__())
    await settle()
    draining = asyncio.ensure_future(scheduler.drain(5))
    await settle()
    await clock.advance(5)
    await draining
    with pytest.raises(DrainingError):
        await waiting


async def test_unloading_stops_the_backend_and_the_next_request_starts_another() -> None:
    starter = FakeStarter()
    scheduler, _ = make(starter)
    assert not await scheduler.unload(STARTER)
    async with scheduler.lease(STARTER):
        pass
    assert await scheduler.unload(STARTER)
    assert starter.started[0].stopped
    async with scheduler.lease(STARTER) as lease:
        assert lease.backend is starter.started[1]
    await scheduler.drain(1)


class Crowd:
    """Drives a scheduler through random events and counts how each request ended."""

    def __init__(self, starter: FakeStarter, scheduler: Scheduler[FakeBackend]) -> None:
        self.starter = starter
        self.scheduler = scheduler
        self.tasks: list[asyncio.Task[None]] = []
        self.gates: list[asyncio.Event] = []
        self.ends = {"answered": 0, "refused": 0, "cancelled": 0}
        self.held: list[Lease[FakeBackend]] = []

    async def one(self, gate: asyncio.Event) -> None:
        try:
            async with AsyncExitStack() as stack:
                lease = await stack.enter_async_context(self.scheduler.lease(STARTER))
                self.held.append(lease)
                stack.callback(self.held.remove, lease)
                await gate.wait()
            self.ends["answered"] += 1
        except StokerError:
            self.ends["refused"] += 1
        except asyncio.CancelledError:
            self.ends["cancelled"] += 1

    def ask(self) -> None:
        gate = asyncio.Event()
        self.gates.append(gate)
        self.tasks.append(asyncio.ensure_future(self.one(gate)))

    async def act(self, event: str, pick: int, clock: ManualClock) -> None:
        if event == "ask":
            self.ask()
        elif event == "finish" and self.gates:
            self.gates[pick % len(self.gates)].set()
        elif event == "cancel" and self.tasks:
            self.tasks[pick % len(self.tasks)].cancel()
        elif event == "crash" and self.starter.started:
            self.starter.started[-1].end(WorkerLostError())
        elif event == "break":
            self.starter.error = None if self.starter.error else LoadFailedError("no")
        elif event == "time":
            await clock.advance(float(pick % 7))


events = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "finish", "cancel", "crash", "break", "time"]),
        st.integers(0, 1000),
    ),
    max_size=40,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(events=events, slots=st.integers(1, 3), queue_max=st.integers(0, 3))
def test_every_request_ends_once_and_no_slot_is_sold_twice(
    events: list[tuple[str, int]], slots: int, queue_max: int
) -> None:
    async def scenario() -> None:
        starter = FakeStarter()
        scheduler, clock = make(starter, slots=slots, queue_max=queue_max, wait_s=5)
        crowd = Crowd(starter, scheduler)
        for event, pick in events:
            await crowd.act(event, pick, clock)
            await settle()
            check(scheduler, crowd)
        for gate in crowd.gates:
            gate.set()
        await clock.advance(60)
        await settle()
        draining = asyncio.ensure_future(scheduler.drain(1))
        await settle()
        await clock.advance(60)
        await draining
        await asyncio.gather(*crowd.tasks)
        assert sum(crowd.ends.values()) == len(crowd.tasks)
        assert not crowd.held
        seat = scheduler.view()[0].occupancy
        assert (seat.busy, seat.waiting) == (0, 0)

    def check(scheduler: Scheduler[FakeBackend], crowd: Crowd) -> None:
        seat = scheduler.view()[0]
        of_this = [lease for lease in crowd.held if lease.backend is seat.backend]
        assert seat.occupancy.busy == len(of_this) <= slots
        assert seat.occupancy.waiting <= max(queue_max, 0)

    asyncio.run(scenario())


async def test_no_backend_gets_time_of_its_own_beyond_the_drain() -> None:
    starter = FakeStarter()
    scheduler, clock = make(starter)
    lease = scheduler.lease(STARTER)
    await lease.__aenter__()
    draining = asyncio.ensure_future(scheduler.drain(5))
    await settle()
    await clock.advance(5)
    await draining
    assert starter.started[0].drain_s == 0
    await lease.__aexit__(None, None, None)


async def test_nothing_is_started_beside_a_backend_that_is_leaving() -> None:
    starter = FakeStarter()
    scheduler, _ = make(starter)
    async with scheduler.lease(STARTER):
        pass
    gate = asyncio.Event()
    stop = starter.started[0].stop

    async def slow_stop(drain_s: float | None = None) -> None:
        await gate.wait()
        await stop(drain_s)

    starter.started[0].stop = slow_stop
    unloading = asyncio.ensure_future(scheduler.unload(STARTER))
    await settle()
    waiting = asyncio.ensure_future(scheduler.lease(STARTER).__aenter__())
    await settle()
    assert len(starter.started) == 1
    gate.set()
    assert await unloading
    assert (await waiting).backend is starter.started[1]


async def test_a_process_that_failed_to_start_does_not_count_as_broken_a_file_does() -> None:
    starter = FakeStarter(error=LoadFailedError("no"))
    scheduler, _ = make(starter)
    with pytest.raises(LoadFailedError):
        await scheduler.lease(STARTER).__aenter__()
    assert not scheduler.view()[0].failed
    starter.error = ModelFileTruncatedError("short")
    with pytest.raises(ModelFileTruncatedError):
        await scheduler.lease(STARTER).__aenter__()
    assert scheduler.view()[0].failed
    await scheduler.drain(1)
