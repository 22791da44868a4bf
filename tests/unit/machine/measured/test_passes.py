"""How often something is measured, on a clock that a test turns, and what its passes say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.machine.measured.passes import CannotMeasureError, Figure, Limits, go_on, run_passes


class Clock:
    """Stands still but for what `takes` lets pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def takes(self, *seconds: float) -> Callable[[], None]:
        left = list(seconds)

        def once() -> None:
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return once


def test_the_best_pass_is_the_figure_and_the_median_the_spread() -> None:
    assert Figure.of([8.0, 10.0, 9.0]) == Figure(10.0, pytest.approx(0.1))
    with pytest.raises(CannotMeasureError):
        Figure.of([])


@given(st.lists(st.floats(1e-3, 1e15), min_size=1))
def test_a_spread_is_a_share(passes: list[float]) -> None:
    assert 0 <= Figure.of(passes).spread <= 1  # 1: so small a median that a float cannot tell


def test_passes_fill_the_budget_and_give_rates() -> None:
    clock = Clock()
    assert run_passes(clock.takes(0.25), 100, Limits(1.0, 1.0), clock) == (400.0,) * 4


def test_a_slow_thing_is_still_done_twice() -> None:
    clock = Clock()
    assert len(run_passes(clock.takes(5.0), 1, Limits(1.0, 1.0), clock)) == 2


def test_a_best_pass_that_stands_alone_asks_for_more_until_the_extra_time_is_used() -> None:
    clock = Clock()
    rates = run_passes(clock.takes(0.1, 0.5, 0.5, 0.5), 1, Limits(1.0, 1.0), clock)
    assert len(rates) == 5
    clock = Clock()
    rates = run_passes(clock.takes(0.1, 0.5, 0.5, 0.1, 0.5), 1, Limits(1.0, 1.0), clock)
    assert len(rates) == 4


def test_there_are_never_more_than_the_most() -> None:
    clock = Clock()
    assert len(run_passes(clock.takes(1e-6), 1, Limits(1.0, 0.0, most=7), clock)) == 7
    assert run_passes(clock.takes(0.0), 1, Limits(1.0, 0.0, most=3), clock) == (0.0,) * 3


@given(st.lists(st.floats(0, 1e9), max_size=30), st.floats(0, 10))
def test_whether_to_go_on_is_decided_for_every_history(rates: list[float], used_s: float) -> None:
    limits = Limits(1.0, 1.0, least=2, most=10)
    again = go_on(rates, used_s, limits)
    assert again or len(rates) >= limits.least
    assert not again or len(rates) < limits.most
