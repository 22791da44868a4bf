"""Rough speeds follow from how fast a device reads and multiplies: wide, unknown where that is."""

from __future__ import annotations

import pytest

from stoker.core.speed import Occasion, SpeedSource
from stoker.library.judging.published_speeds import published_points
from stoker.planning.proposal.well_known import model_of
from stoker.planning.speed.estimate import estimate_speed
from stoker.planning.speed.rough import STREAMS_MOST, Rough
from stoker.planning.speed.work import Work, work_of
from support.planning import ENTRIES

LAPTOP = Rough(60e9, 0.8e12, 8)


def work(name: str = "Llama-3.1-8B") -> Work:
    return work_of(model_of(ENTRIES[name]).facts)


def test_twice_the_bandwidth_reads_in_half_the_time() -> None:
    slow, fast = (Rough(rate).step(work(), 1, 100) for rate in (1e11, 2e11))
    assert slow is not None
    assert fast is not None
    assert slow.middle == pytest.approx(2 * fast.middle)


def test_the_interval_holds_the_published_decode_speeds_of_gpus() -> None:
    told = [one for one in published_points() if one.device.backend != "cpu" and not one.prompt]
    inside = [
        estimate is not None and one.token_s in estimate.interval()
        for one in told
        if (estimate := Rough(one.device.bandwidth_bytes_s).step(one.work, 1, one.past))
    ]
    assert len(inside) == len(told) >= 9
    assert sum(inside) >= 0.8 * len(inside)


def test_experts_that_are_not_chosen_are_not_read() -> None:
    few, all_of_it = LAPTOP.step(work("gpt-oss-20b"), 1, 100), LAPTOP.step(work("Phi-4"), 1, 100)
    assert few is not None
    assert all_of_it is not None
    assert few.middle < all_of_it.middle


def test_several_answers_give_from_as_much_as_one_to_each_as_much() -> None:
    alone, eight, many, twice = (
        LAPTOP.step(work(), streams, 100) for streams in (1, 8, STREAMS_MOST, 2 * STREAMS_MOST)
    )
    assert alone is not None
    assert eight is not None
    assert many is not None
    assert twice is not None
    rates, one = eight.interval().inverse().scaled(8), alone.interval().inverse()
    assert rates.p10 == pytest.approx(one.p10)
    assert rates.p90 == pytest.approx(8 * one.p90)
    assert twice.middle == pytest.approx(2 * many.middle)


def test_a_longer_prompt_takes_longer() -> None:
    short, long = (LAPTOP.prompt(work(), tokens) for tokens in (100, 1000))
    assert short is not None
    assert long is not None
    assert 9 < long.middle / short.middle < 11


def test_what_nobody_measured_is_unknown() -> None:
    speed = estimate_speed(work(), [Rough(None, None, 8)], Occasion())
    assert (speed.decode_tok_s, speed.ttft_s, speed.load_s) == (None, None, None)
    assert speed.source is SpeedSource.UNKNOWN
    only_read = estimate_speed(work(), [Rough(60e9, None, 8)], Occasion())
    assert (only_read.source, only_read.ttft_s) == (SpeedSource.ROUGH, None)
    assert only_read.decode_tok_s is not None
    only_multiplied = estimate_speed(work(), [Rough(None, 0.8e12, 8)], Occasion())
    assert (only_multiplied.source, only_multiplied.decode_tok_s) == (SpeedSource.ROUGH, None)
    assert only_multiplied.ttft_s is not None
