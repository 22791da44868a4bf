"""Intervals stay in order whatever is done to them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.estimate import Interval

POSITIVE = st.floats(1e-6, 1e12)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    return Interval(*sorted(draw(st.tuples(POSITIVE, POSITIVE, POSITIVE))))


def test_what_stands_still_never_ends_and_nothing_of_it_is_nothing() -> None:
    still = Interval(0.0, 0.0, 2.0).inverse()
    assert (still.p10, still.p50, still.p90) == (0.5, math.inf, math.inf)
    assert still.inverse() == Interval(0.0, 0.0, 2.0)
    assert still.scaled(0) == Interval.exact(0.0)


@given(intervals(), intervals(), POSITIVE)
def test_sums_products_and_inverses_are_intervals(a: Interval, b: Interval, by: float) -> None:
    for one in (a + b, a.scaled(by), a.inverse()):
        assert one.p10 <= one.p50 <= one.p90


def test_what_is_out_of_order_is_no_interval() -> None:
    with pytest.raises(ValueError, match="not in order"):
        Interval(2, 1, 3)
    with pytest.raises(ValueError, match="not in order"):
        Interval(1, float("nan"), 3)


def test_the_ends_belong_to_it() -> None:
    assert 1 in Interval(1, 2, 3)
    assert 3 in Interval(1, 2, 3)
    assert 3.1 not in Interval(1, 2, 3)
