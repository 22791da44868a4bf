"""An interval from past errors holds the next one about eight times of ten."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.planning.speed.spread import UNTOLD, Estimate, together, width_of

errors = st.lists(st.floats(-2, 2), min_size=1, max_size=60)


@pytest.mark.parametrize("count", [4, 9, 30, 100])
@pytest.mark.parametrize("heavy", [False, True])
def test_of_errors_of_any_distribution_four_in_five_lie_inside(count: int, *, heavy: bool) -> None:
    random_ = random.Random(count)  # noqa: S311 - noise that can be repeated

    def one() -> float:
        return random_.gauss(0, 0.1) * (random_.expovariate(1) if heavy else 1.0)

    inside = sum(abs(one()) <= width_of([one() for _ in range(count)]) for _ in range(4000))
    least = math.ceil(0.8 * (count + 1)) / (count + 1)  # split conformal prediction's own promise
    assert least - 0.02 <= inside / 4000 <= least + 0.02


def test_without_an_error_nothing_is_claimed_to_be_exact() -> None:
    assert width_of([]) == UNTOLD


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_errors_make_a_wide_interval(count: int) -> None:
    assert width_of([0.1] * count) > 0.1


@given(errors)
def test_an_interval_is_in_order_and_holds_its_middle(found: list[float]) -> None:
    interval = Estimate(3.0, width_of(found)).interval()
    assert interval.p10 <= interval.p50 == 3.0 <= interval.p90


@given(st.floats(0, 5), st.floats(0, 5))
def test_two_sources_of_error_are_wider_than_one(one: float, other: float) -> None:
    assert max(one, other) - 1e-9 <= together(one, other) <= one + other + 1e-9
