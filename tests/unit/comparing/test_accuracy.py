"""Intervals and tests against figures that can be checked by hand or in a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.comparing.accuracy import by_category, mcnemar, wilson


def test_the_interval_is_that_of_the_literature() -> None:
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)  # Newcombe 1998, table I
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(29, 29) == pytest.approx((0.8830, 1.0), abs=5e-5)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_within_bounds(trial: tuple[int, int]) -> None:
    right, total = trial
    low, high = wilson(right, total)
    assert 0.0 <= low <= right / total <= high <= 1.0
    assert low < high


@pytest.mark.parametrize("trial", [(0, 0), (2, 1), (-1, 3)])
def test_what_is_no_share_is_refused(trial: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(*trial)


def test_categories_keep_their_order_and_their_counts() -> None:
    found = by_category(["b", "a", "b"], [True, False, False])
    assert [(name, one.right, one.total) for name, one in found.items()] == [
        ("b", 1, 2),
        ("a", 0, 1),
    ]


def test_the_paired_test_counts_only_where_they_differ() -> None:
    first, second = [True] * 6 + [True] * 50, [False] * 6 + [True] * 50
    assert mcnemar(first, second) == pytest.approx(2 / 2**6)
    assert mcnemar(first, first) == 1.0


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_the_paired_test_is_symmetric_and_a_probability(pairs: list[tuple[bool, bool]]) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    assert 0 < mcnemar(first, second) <= 1
    assert mcnemar(first, second) == mcnemar(second, first)


def test_thousands_of_differences_are_no_overflow() -> None:
    assert mcnemar([True] * 5000, [False] * 5000) == pytest.approx(0.0, abs=1e-300)
