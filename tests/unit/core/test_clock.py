"""Deadlines hold on whatever clock they are given."""

from __future__ import annotations

import asyncio

import pytest

from stoker.core.clock import SystemClock, within
from stoker.testing.clock import ManualClock


async def test_a_result_in_time_is_the_result() -> None:
    async def work() -> int:
        return 7

    assert await within(ManualClock(), 1, work()) == 7


async def test_the_error_of_the_work_passes_through() -> None:
    async def work() -> int:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await within(ManualClock(), 1, work())


async def test_past_the_deadline_the_work_is_cancelled_and_has_ended() -> None:
    clock = ManualClock()
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.ensure_future(within(clock, 5, work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await clock.advance(5)
    with pytest.raises(TimeoutError):
        await waiting
    assert ended.is_set()


async def test_the_system_clock_never_goes_back() -> None:
    clock = SystemClock()
    before = clock.now()
    await clock.sleep(0)
    assert clock.now() >= before


async def test_the_system_clocks_deadline_cancels_the_work_too() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        await within(SystemClock(), 0.001, work())
    assert ended.is_set()
