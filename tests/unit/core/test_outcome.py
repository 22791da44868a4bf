"""A run tells what it is like, and is held to what was promised of its like."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.estimate import Interval
from stoker.core.measurement import AnswerMeasured, LoadMeasured, RunKey
from stoker.core.outcome import FIGURES, Foreteller, Outcome, promised, told_by
from stoker.core.request import ColdStart, Timings, Usage
from stoker.core.speed import Occasion, Speed, SpeedSource

KEY = RunKey("facts:a", "llamacpp", "xllamacpp 1 aa", 2, 4096, 4, 512, repack=True, kv_type="f16")
ONE = Interval(1.0, 2.0, 3.0)
SPEED = Speed(
    Occasion(prompt_tokens=512, context=640, streams=4),
    SpeedSource.CALIBRATION,
    **dict.fromkeys(
        ("load_s", "load_cold_s", "prefill_tok_s", "decode_tok_s", "stream_tok_s"), ONE
    ),
)


def load(disk_bytes: int | None, seconds: float = 2.0, file_bytes: int = 1000) -> LoadMeasured:
    return LoadMeasured(KEY, 1, file_bytes, disk_bytes, ColdStart(0.0, 0.0, seconds, 0.0))


def answer(
    prompt: int = 512, answer: int = 257, streams: tuple[int, int] = (1, 1), cached: int = 0
) -> AnswerMeasured:
    timings = Timings(prefill_s=2.0, decode_s=16.0, prefill_tok_s=0.0, decode_tok_s=0.0)
    return AnswerMeasured(KEY, 1, Usage(prompt, answer, cached), timings, *streams)


@pytest.mark.parametrize(
    ("run", "figures"),
    [
        (load(0), {"load_s": 2.0}),
        (load(50), {"load_s": 2.0}),
        (load(1000), {"load_cold_s": 2.0}),
        (load(300), {}),
        (load(None), {}),
        (load(0, seconds=0.0), {}),
        (load(0, file_bytes=0), {}),
        (answer(), {"prefill_tok_s": 256.0, "decode_tok_s": 16.0}),
        (answer(cached=500), {"decode_tok_s": 16.0}),
        (answer(prompt=100), {"decode_tok_s": 16.0}),
        (answer(answer=2), {"prefill_tok_s": 256.0}),
        (answer(streams=(4, 4)), {"stream_tok_s": 16.0}),
        (answer(streams=(1, 4)), {"prefill_tok_s": 256.0}),
        (answer(streams=(4, 1)), {}),
    ],
)
def test_a_run_tells_the_figures_that_it_is_like(run: Any, figures: dict[str, float]) -> None:
    assert told_by(run) == figures


@pytest.mark.parametrize(
    ("run", "names"),
    [
        (load(0), {"load_s"}),
        (load(1000), {"load_cold_s"}),
        (load(300), set()),
        (answer(), {"prefill_tok_s", "decode_tok_s"}),
        (answer(prompt=300), {"decode_tok_s"}),
        (answer(prompt=200), set()),
        (answer(prompt=2000), set()),
        (answer(streams=(4, 4)), {"stream_tok_s"}),
        (answer(streams=(3, 3)), set()),
    ],
)
def test_a_promise_is_kept_with_the_runs_that_it_is_about(run: Any, names: set[str]) -> None:
    assert dict(promised(SPEED, run)) == dict.fromkeys(names, ONE)


def test_without_a_promise_nothing_is_kept() -> None:
    assert promised(None, answer()) == ()
    assert promised(Speed(SPEED.occasion, SpeedSource.UNKNOWN), answer()) == ()


@pytest.mark.parametrize(
    ("measured", "predicted", "held"), [(2.5, ONE, True), (3.5, ONE, False), (2.5, None, None)]
)
def test_a_prediction_held_where_the_median_lies_within(
    measured: float, predicted: Interval | None, held: bool | None
) -> None:
    assert Outcome("load_s", Foreteller.PLAN, 3, measured, predicted).held is held


counts = st.integers(min_value=0, max_value=1 << 40)
seconds = st.floats(min_value=0, max_value=1e12)


answers = st.builds(
    AnswerMeasured,
    st.just(KEY),
    st.just(1),
    st.builds(Usage, counts, counts, counts),
    st.builds(Timings, seconds, seconds, seconds, seconds),
    counts,
    counts,
)


@given(answers)
def test_whatever_was_measured_is_told_as_figures_of_a_speed(run: AnswerMeasured) -> None:
    assert set(told_by(run)) <= set(FIGURES)
    assert all(value > 0 for value in told_by(run).values())
    promised(SPEED, run)
