"""A timing counts only if others rested meanwhile, and then all that it says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from stoker.calibrating import others
from stoker.calibrating.sampling import Answer, Bench, Cell, keep_timed
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
