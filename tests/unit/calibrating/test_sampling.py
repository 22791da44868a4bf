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
    TRIES_RESTLESS,
    Answer,
    Bench,
    Cell,
    keep_timed,
)
from stoker.calibrating.subjects import Ask, Subject
from stoker.core.request import Finish, Timings, Usage
from stoker.testing.clock import ManualClock

CELL = Cell(Subject("small", "Q8_0"), 2, Ask(64, 16))


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
    were_busy(monkeypatch, *[True] * TRIES)
    timed(bench, [answer(0.51)] * TRIES)
    decode = [one for one in bench.samples if one.kind == "decode"]
    assert len(decode) == TRIES
    assert all(one.disturbance > 0 for one in bench.samples)
    assert bench.first_token_s == []
    assert len(bench.first_token_busy_s) == TRIES


def test_a_machine_that_never_rests_is_tried_less_often(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(others, "were_busy", lambda *_: True)
    for _ in range(RESTLESS // TRIES):
        timed(bench, [answer(0.51)] * TRIES)
    taken = bench.taken
    timed(bench, [answer(0.51)] * TRIES)
    assert bench.taken == taken + TRIES_RESTLESS < taken + TRIES


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
