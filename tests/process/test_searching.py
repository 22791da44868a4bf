"""A pattern's search is Python's own; one that finds no end is ended by a deadline, or a person."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from stoker.comparing.answering import Examination
from stoker.comparing.matching import Match, check_pattern
from stoker.comparing.searching import SEARCH_S, PatternSearch
from stoker.comparing.tasks import Task
from stoker.core.clock import SystemClock
from stoker.core.errors import PatternSearchError
from stoker.core.request import Completion, Timings, Usage
from stoker.testing.clock import ManualClock

DEADLINE_S = 20.0
ENDLESS, LONG = "(?:a|b|ab)*c", "ab" * 500


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def patterns(clock: ManualClock) -> AsyncIterator[PatternSearch]:
    async with PatternSearch(clock) as made:
        yield made


async def endless(patterns: PatternSearch) -> asyncio.Task[bool]:
    """A search without an end that has begun."""
    await patterns.found("a", "a")
    task = asyncio.ensure_future(patterns.found(ENDLESS, LONG))
    await asyncio.sleep(0)
    return task


def pid(patterns: PatternSearch) -> int:
    assert patterns._child is not None
    return patterns._child.pid


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_a_pattern_is_found_where_python_finds_it(patterns: PatternSearch) -> None:
    assert await patterns.found(r"^\d{4}$", "1234")
    assert not await patterns.found(r"^\d{4}$", "12345")
    assert await patterns.found("(a)\\1", "\u00e4\nb\udc80aa")
    first = pid(patterns)
    assert await asyncio.gather(*[patterns.found("[0-4]", str(at)) for at in range(8)]) == (
        [True] * 5 + [False] * 3
    )
    assert pid(patterns) == first


async def test_one_that_finds_no_end_is_ended_and_the_next_is_answered(
    patterns: PatternSearch, clock: ManualClock
) -> None:
    check_pattern(ENDLESS)
    task = await endless(patterns)
    first = pid(patterns)
    await clock.wait_sleepers()
    await clock.advance(SEARCH_S)
    with pytest.raises(PatternSearchError, match=f"during {SEARCH_S} s"):
        await task
    assert is_gone(first)
    assert await patterns.found("b", "ab")


async def test_a_cancelled_search_leaves_no_process(patterns: PatternSearch) -> None:
    task = await endless(patterns)
    first = pid(patterns)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert is_gone(first)


async def test_a_lost_child_is_named_and_the_next_search_has_another(
    patterns: PatternSearch,
) -> None:
    task = await endless(patterns)
    os.kill(pid(patterns), signal.SIGKILL)
    with pytest.raises(PatternSearchError, match="lost"):
        await task
    assert await patterns.found("b", "ab")


async def test_the_child_ends_with_the_block_and_nothing_starts_one_needlessly() -> None:
    async with PatternSearch(SystemClock()) as patterns:
        assert patterns._child is None
        await patterns.found("a", "a")
        first = pid(patterns)
    assert is_gone(first)


class SearchClock(ManualClock):
    """Says when the second search has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.searches = 0
        self.second = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.searches += seconds == SEARCH_S
        if self.searches == 2:
            self.second.set()
        await super().sleep(seconds)


async def test_a_task_whose_pattern_finds_no_end_is_wrong_says_why_and_stops_no_other() -> None:
    class Runtime:
        async def chat(self, asked: str, **options: object) -> Completion:
            return Completion(LONG, "stop", Usage(1, 1), Timings(1, 1, 1, 1), 0.0)

    clock = SearchClock()
    asked = [Task("ask", pattern, Match.REGEX, "all") for pattern in ("ab", ENDLESS, "ba")]
    exam = Examination(
        Runtime(),  # type: ignore[arg-type]
        asked,
        slots=1,
        tokens_max=None,
        clock=clock,
        on_share=lambda _: None,
    )
    work = asyncio.ensure_future(exam.run())
    await clock.second.wait()
    await clock.advance(SEARCH_S)
    score = await work
    assert (score.accuracy.right, score.failed) == (2, 1)
    assert score.wrong[0].task == 1
    assert score.wrong[0].answer == LONG[:300]
    assert "came to no end" in (score.wrong[0].error or "")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_ctrl_c_ends_a_search(number: int) -> None:
    code = f"""
import asyncio
from stoker.cli.terminal.stopping import run_until_stopped
from stoker.comparing.searching import PatternSearch
from stoker.core.clock import SystemClock

async def work():
    async with PatternSearch(SystemClock()) as patterns:
        await patterns.found("a", "a")
        asyncio.get_running_loop().call_soon(print, patterns._child.pid)
        await patterns.found({ENDLESS!r}, {LONG!r})

run_until_stopped(work())
"""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-c", code), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    child = int(await asyncio.wait_for(process.stdout.readline(), DEADLINE_S))
    process.send_signal(number)
    await asyncio.wait_for(process.communicate(), DEADLINE_S)
    assert is_gone(child)


async def test_a_search_outlives_its_parent_by_no_more_than_the_kernels_alarm() -> None:
    module = "stoker.comparing.search_child"
    code = f"from {module} import main, signal; signal.alarm = lambda s: print(s); main(7)"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(b'["b", "abc"]\n'), DEADLINE_S)
    assert out.split() == [b"7", b"0", b"true"]
