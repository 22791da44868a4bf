"""The clock that tests turn by hand."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.clock import within
from stoker.testing.clock import ManualClock


@given(st.lists(st.integers(1, 50), max_size=8), st.lists(st.integers(1, 30), max_size=6))
def test_sleepers_wake_in_order_each_at_its_own_instant(naps: list[int], steps: list[int]) -> None:
    async def run() -> None:
        clock = ManualClock()
        woken: list[tuple[float, int]] = []

        async def nap(seconds: int) -> None:
            await clock.sleep(seconds)
            woken.append((clock.now(), seconds))

        tasks = [asyncio.ensure_future(nap(seconds)) for seconds in naps]
        for step in (0, *steps):
            await clock.advance(step)
        expected = sorted(seconds for seconds in naps if seconds <= sum(steps))
        assert woken == [(seconds, seconds) for seconds in expected]
        assert clock.sleepers == len(naps) - len(expected)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())


async def test_a_loop_that_sleeps_again_wakes_again_within_one_step() -> None:
    clock = ManualClock(start=100.0)
    beats: list[float] = []

    async def beat() -> None:
        while True:
            await clock.sleep(5)
            beats.append(clock.now())

    task = asyncio.ensure_future(beat())
    await clock.advance(17)
    assert beats == [105, 110, 115]
    assert clock.now() == 117
    task.cancel()


async def test_time_stands_still_until_it_is_moved() -> None:
    clock = ManualClock()
    task = asyncio.ensure_future(clock.sleep(0.001))
    await clock.wait_sleepers(1)
    assert not task.done()
    assert clock.now() == 0
    await clock.advance(0.001)
    assert task.done()


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = ManualClock()
    task = asyncio.ensure_future(clock.sleep(1))
    await clock.wait_sleepers(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert clock.sleepers == 0
    await clock.advance(2)


async def test_a_sleep_of_nothing_returns_at_once() -> None:
    clock = ManualClock()
    await clock.sleep(0)
    await clock.sleep(-1)
    assert clock.now() == 0
    assert clock.sleepers == 0


async def test_a_deadline_on_this_clock_cancels_its_work() -> None:
    clock = ManualClock()
    task = asyncio.ensure_future(within(clock, 3, asyncio.Event().wait()))
    await clock.wait_sleepers(1)
    await clock.advance(3)
    with pytest.raises(TimeoutError, match="3 s"):
        await task


async def test_it_never_goes_back() -> None:
    with pytest.raises(ValueError, match="never goes back"):
        await ManualClock().advance(-1)
