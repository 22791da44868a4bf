"""A timing counts only if others rested meanwhile, and then all that it says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from stoker.calibrating import others
from stoker.calibrating.sampling import (
    RESTLESS,
    TRIES,
    Answer,
    Bench,
    Cell,
    Sample,
    keep_timed,
)
from stoker.calibrating.subjects import Ask, TimedModel
from stoker.core.request import Finish, Timings, Usage
from stoker.testing.clock import ManualClock

CELL = Cell(TimedModel("small", "Q8_0"), 2, Ask(64, 16))


def answer(first_s: float | None, cached: int = 0, prefill_s: float = 0.5) -> Answer:
    timings = Timings(prefill_s, 1.5, 0.0, 0.0)
    return Answer(Finish("length", Usage(64, 16, cached), timings), first_s)


@pytest.fixture
def bench() -> Bench:
    return Bench(Path(), ManualClock(), threads=2, end_s=1e9, wait_s=0.0)


def timed(bench: Bench, answers: list[Answer]) -> None:
    """Time `answers`, one after the other until one is good."""
    left = iter(answers)

    async def give() -> list[Answer]:
        return [next(left)]

    asyncio.run(keep_timed(bench, CELL, None, give))


def were_busy(monkeypatch: pytest.MonkeyPatch, *busy: bool) -> None:
    told: Iterator[bool] = iter(busy)
    monkeypatch.setattr(others, "were_busy", lambda *_: next(told))


def test_what_others_disturbed_says_nothing_of_the_first_token(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    were_busy(monkeypatch, True, False)  # noqa: FBT003 - in their order
    timed(bench, [answer(9.0), answer(0.51)])
    assert bench.first_token_s == [pytest.approx(0.01)]
    assert [(one.kind, one.seconds) for one in bench.samples] == [
        ("decode", pytest.approx(0.1)),
        ("prefill", 0.5),
        ("first", 0.51),
    ]
    assert (bench.taken, bench.rejected) == (2, 1)


@pytest.mark.parametrize("told", [answer(None), answer(0.51, cached=10)])
def test_without_a_text_or_a_whole_prompt_there_is_no_first_token(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, told: Answer
) -> None:
    were_busy(monkeypatch, False)  # noqa: FBT003 - in their order
    timed(bench, [told])
    assert bench.first_token_s == []
    assert "first" not in {one.kind for one in bench.samples}


def test_where_others_never_rest_every_try_is_kept_as_disturbed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(others, "were_busy", lambda *_: True)
    timed(bench, [answer(0.51)] * TRIES)
    decode = [one for one in bench.samples if one.kind == "decode"]
    assert len(decode) == len(bench.first_token_busy_s) == RESTLESS
    assert all(one.disturbance > 0 for one in bench.samples)
    assert bench.first_token_s == []


def test_on_a_machine_that_never_rests_each_is_tried_once_and_is_short(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bench.affordable(Ask(2000, 32)) == Ask(2000, 32)
    monkeypatch.setattr(others, "were_busy", lambda *_: True)
    timed(bench, [answer(0.51)] * TRIES)
    assert bench.is_restless
    timed(bench, [answer(0.51)] * TRIES)
    timed(bench, [answer(0.51)] * TRIES)
    taken = bench.taken
    timed(bench, [answer(0.51)] * TRIES)
    assert bench.taken == taken + 1
    assert bench.affordable(Ask(512, 32)) == Ask(512, 8)
    assert bench.affordable(Ask(2000, 32)) is None


def test_one_good_timing_and_the_machine_rests_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    were_busy(monkeypatch, *([True] * RESTLESS + [False]))
    timed(bench, [answer(0.51)] * TRIES)
    timed(bench, [answer(0.51)])
    assert not bench.is_restless


async def test_waiting_puts_the_end_off_and_never_beyond_the_last_instant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = ManualClock()
    bench = Bench(Path(), clock, threads=2, end_s=clock.now() + 5, wait_s=1e6)
    bench.last_s = clock.now() + 20
    monkeypatch.setattr(others, "were_busy", lambda *_: True)
    waiting = asyncio.create_task(bench.calm())
    for _ in range(1000):
        await asyncio.sleep(0)
        await clock.advance(0.1)
        if waiting.done():
            break
    await waiting
    assert bench.is_over
    assert bench.end_s == bench.last_s
    assert not bench.is_restless  # there is more to wait


async def test_waiting_in_vain_shows_that_a_machine_never_rests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = ManualClock()
    bench = Bench(Path(), clock, threads=2, end_s=1e9, wait_s=1.0)
    monkeypatch.setattr(others, "were_busy", lambda *_: True)
    waiting = asyncio.create_task(bench.calm())
    while not waiting.done():
        await asyncio.sleep(0)
        await clock.advance(0.1)
    assert bench.is_restless


def test_time_is_over_later_where_too_little_was_timed_on_a_machine_that_never_rests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = ManualClock()
    bench = Bench(Path(), clock, threads=2, end_s=clock.now(), wait_s=0.0, last_s=clock.now() + 9)
    assert bench.is_over
    monkeypatch.setattr(others, "were_busy", lambda *_: True)
    for _ in range(RESTLESS):
        bench.judge(None, None)
    assert not bench.is_over
    for past in range(20):
        bench.samples.append(Sample("decode", "wide", "Q8_0", 2, 1, past, 0.1, 0.5))
    assert bench.is_over
