"""Axes hold what they are made for, and have ticks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.comparing.scales import linear_scale, log_scale, nice_step

POSITIVE = st.floats(1e-7, 1e7)


@given(st.lists(POSITIVE, min_size=1, max_size=9))
def test_every_value_has_a_place_on_a_log_axis_in_its_order(values: list[float]) -> None:
    scale = log_scale(values, 0, 500)
    places = [scale.at(value) for value in sorted(values)]
    assert all(0 < place < 500 for place in places)
    assert places == sorted(places)
    assert len(scale.ticks) >= 2
    assert all(0 <= scale.at(tick) <= 500 for tick in scale.ticks)


@given(st.floats(0, 100), st.floats(0, 100))
def test_every_value_has_a_place_on_a_linear_axis(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    scale = linear_scale(low, high, 300, 0)
    assert 0 - 1e-6 <= scale.at(high) <= scale.at(low) <= 300 + 1e-6
    assert 2 <= len(scale.ticks) <= 9


def test_ticks_are_what_people_count_in() -> None:
    assert linear_scale(96.4, 99.4, 0, 1).ticks == (96, 97, 98, 99, 100)
    assert log_scale([3.1, 10.1], 0, 1).ticks == (3, 4, 5, 6, 7, 8, 9, 10)
    assert log_scale([0.01, 50], 0, 1).ticks == (0.01, 0.1, 1, 10)
    assert (nice_step(0.7), nice_step(2.1), nice_step(30)) == (1, 5, 50)


def test_zero_has_no_logarithm() -> None:
    with pytest.raises(ValueError, match="positive"):
        log_scale([0, 1], 0, 1)
