"""What a chart of costs shows: everything that is marked lies within its axes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stoker.cli.drawing.cost_curves import curves_of
from stoker.core.costs import Capacity, Cost, CostCurve, Enough
from stoker.core.estimate import Interval
from support.costing import straight_cost

COST = straight_cost(100, (0.01, 0.02, 0.04), 0.12, asked=500, most=(2000, 3000, 4000))
MARK = st.floats(0.01, 1e8)


def test_a_cost_that_is_not_known_is_not_drawn() -> None:
    assert curves_of(Cost()) is None
    assert curves_of(replace(COST, local_curve=None)) is None
    assert curves_of(replace(COST, api_curve=None)) is None


def test_marks_that_lie_near_each_other_are_on_a_straight_axis() -> None:
    curves = curves_of(COST)
    assert curves is not None
    assert (curves.log, curves.low) == (False, 0.0)
    assert curves.dollars(9, 0, curves.requests(0, 50)).log is False


def test_marks_that_span_decades_are_on_an_axis_by_powers_of_ten() -> None:
    curves = curves_of(straight_cost(100, (0.01, 0.02, 0.04), 0.12, 5, (2000, 3000, 4000)))
    assert curves is not None
    assert curves.log
    assert curves.dollars(9, 0, curves.requests(0, 50)).log


def test_the_machines_line_ends_at_the_mark_of_what_it_serves() -> None:
    curves = curves_of(straight_cost(100, (0.01, 0.02, 0.04), 0.12, 9000, (2000, 3000, 4000)))
    assert curves is not None
    assert curves.here_high == 3000 < curves.high


@example(1.0, 1.0, 5e-324, 0.0, 1.0)
@given(MARK, MARK, st.floats(0, 1e5), st.floats(0, 10), st.floats(0, 10))
def test_every_mark_lies_within_the_axis(
    asked: float, most: float, fixed: float, each: float, api: float
) -> None:
    spread = (most / 2, most, most * 2)
    curves = curves_of(straight_cost(fixed, (each, each, each), api, asked, spread))
    assert curves is not None
    scale = curves.requests(0, 100)
    marks = [asked, most, *([curves.even.p50] if curves.even else [])]
    assert all(-0.01 <= scale.at(mark) <= 100.01 for mark in marks if mark > 0)


def test_a_price_next_to_nothing_breaks_even_nowhere_that_is_drawn() -> None:
    curves = curves_of(straight_cost(100, (0, 0, 0), 5e-324, 500, (2000, 3000, 4000)))
    assert curves is not None
    assert curves.even is None
    assert curves.high < 1e4
    assert not curves.dollars(9, 0, curves.requests(0, 50)).log


@pytest.mark.parametrize("asked", [0.0, 7.0])
def test_no_volume_is_no_mark(asked: float) -> None:
    curves = curves_of(straight_cost(10, (0, 0, 0), 1, asked, (100, 200, 300)))
    assert curves is not None
    assert curves.asked == (asked or None)


def test_without_any_mark_there_is_nothing_to_draw() -> None:
    nothing = Capacity(Enough.UNKNOWN, None, None, "")
    free = CostCurve(Interval.exact(0), Interval.exact(0))
    cost = replace(COST, volume=None, break_even=None, capacity=nothing, local_curve=free)
    assert curves_of(cost) is None
