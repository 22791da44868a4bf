"""A machine is enough only where its slow case is, short only where its fast case is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.costs import Enough, LocalCosts, Volume
from stoker.core.estimate import Interval
from stoker.planning.capacity import check_capacity, fast_enough
from stoker.published.judgement import load_judgement

JUDGEMENT = load_judgement()
VOLUME = Volume(1000, 1000, 300)


def test_the_busiest_hour_and_its_bound_are_said() -> None:
    found = check_capacity(VOLUME, Interval(1, 2, 3), JUDGEMENT, LocalCosts())
    # 1000 a day is 41.7 an hour, 125 in the busiest; at 2 s each that is 250 s of 3600.
    assert found.verdict is Enough.ENOUGH
    assert found.utilisation.p50 == pytest.approx(250 / 3600)
    assert found.requests_per_day_most.p50 == pytest.approx(86_400 * 0.7 / 3 / 2)
    for word in ("3 times the average", "70%", "requests a day"):
        assert word in found.why


@pytest.mark.parametrize(
    ("busy_s", "verdict"),
    [
        (Interval(1, 2, 20), Enough.ENOUGH),
        (Interval(1, 2, 21), Enough.UNCLEAR),
        (Interval(20, 21, 22), Enough.UNCLEAR),
        (Interval(21, 22, 23), Enough.SHORT),
        (None, Enough.UNKNOWN),
    ],
)
def test_an_interval_that_holds_both_is_unclear(busy_s: Interval | None, verdict: Enough) -> None:
    assert check_capacity(VOLUME, busy_s, JUDGEMENT, LocalCosts()).verdict is verdict


def test_an_unknown_speed_is_named() -> None:
    assert check_capacity(VOLUME, None, JUDGEMENT, LocalCosts()).missing == (
        "tokens per second here",
    )


@given(st.floats(1, 1e6), st.floats(0.01, 1e3), st.floats(1, 24))
def test_what_it_says_it_serves_it_serves(requests: float, busy: float, hours: float) -> None:
    busy_s, running = Interval.exact(busy), LocalCosts(hours_per_day=hours)
    most = check_capacity(Volume(requests, 1, 1), busy_s, JUDGEMENT, running).requests_per_day_most
    at = check_capacity(Volume(most.p50 * 0.999, 1, 1), busy_s, JUDGEMENT, running)
    beyond = check_capacity(Volume(most.p50 * 1.001, 1, 1), busy_s, JUDGEMENT, running)
    assert (at.verdict, beyond.verdict) == (Enough.ENOUGH, Enough.SHORT)


FAST, SLOW, WIDE = Interval(1, 1.5, 1.9), Interval(3, 4, 5), Interval(1, 2, 3)


@pytest.mark.parametrize(
    ("ttft_s", "tok_s", "ttft_s_max", "tok_s_min", "answer"),
    [
        (FAST, None, 2, None, "yes"),
        (SLOW, None, 2, None, "no"),
        (WIDE, None, 2, None, "unclear"),
        (None, None, 2, None, None),
        (None, SLOW, None, 2, "yes"),
        (None, FAST, None, 2, "no"),
        (None, WIDE, None, 2, "unclear"),
        (FAST, None, 2, 2, None),
        (SLOW, None, 2, 2, "no"),
        (WIDE, FAST, 2, 2, "no"),
        (WIDE, SLOW, 2, 2, "unclear"),
        (None, None, None, None, "yes"),
    ],
)
def test_latency_is_held_against_what_was_wanted(
    ttft_s: Interval | None,
    tok_s: Interval | None,
    ttft_s_max: float | None,
    tok_s_min: float | None,
    answer: str | None,
) -> None:
    assert fast_enough(ttft_s, tok_s, ttft_s_max, tok_s_min) == answer


def test_what_is_far_too_much_is_said_in_hours_and_not_in_percentages() -> None:
    volume, costs = Volume(1000, 1, 1), LocalCosts()
    within = check_capacity(volume, Interval(4, 5, 6), JUDGEMENT, costs).why
    beyond = check_capacity(volume, Interval(500, 600, 700), JUDGEMENT, costs).why
    assert "% of the busiest hour" in within
    assert "hours (assumed" in beyond
    assert "% of the busiest hour" not in beyond
