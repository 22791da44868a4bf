"""The cheapest that is good enough is named; chance alone condemns nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.comparing.verdict import Answers, holm, judge


def answers(name: str, file_bytes: int, right: int, total: int = 100) -> Answers:
    return Answers(name, file_bytes, [at < right for at in range(total)])


def test_a_smaller_file_that_loses_little_is_the_cheapest() -> None:
    verdict = judge([answers("f16", 100, 95), answers("q8_0", 50, 95), answers("q4_0", 25, 93)])
    assert (verdict.best, verdict.cheapest, verdict.worse) == ("q8_0", "q4_0", ())
    assert "100 tasks" in verdict.words


def test_a_smaller_file_that_loses_much_is_passed_over() -> None:
    verdict = judge([answers("f16", 100, 95), answers("q8_0", 50, 94), answers("q2_k", 12, 60)])
    assert (verdict.cheapest, verdict.worse) == ("q8_0", ("q2_k",))


def test_what_one_comparison_would_condemn_is_judged_with_the_number_of_comparisons() -> None:
    # Six differences: p = 0.031 alone, 0.062 as one of two.
    assert judge([answers("a", 9, 95), answers("b", 5, 89)]).worse == ("b",)
    both = [answers("a", 9, 95), answers("b", 5, 89), answers("c", 4, 89)]
    assert judge(both).worse == ()


def test_nothing_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="nothing"):
        judge([])


@given(st.dictionaries(st.text("abc", min_size=1), st.floats(0, 1), max_size=6))
def test_correction_never_lowers_a_p_value_nor_changes_the_order(
    p_values: dict[str, float],
) -> None:
    adjusted = holm(p_values)
    assert all(p_values[name] <= p <= 1 for name, p in adjusted.items())
    ordered = [adjusted[name] for name in sorted(p_values, key=lambda one: p_values[one])]
    assert ordered == sorted(ordered)


def test_correction_is_holms() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx(
        {"a": 0.03, "c": 0.06, "b": 0.06}
    )
