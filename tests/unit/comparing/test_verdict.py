"""The cheapest that is good enough is named; chance alone condemns nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.comparing.verdict import ALPHA, Answers, holm, judge, least_visible_loss


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


@pytest.mark.parametrize("comparisons", [1, 2, 5, 15])
def test_the_least_visible_loss_is_the_first_that_the_test_sees(comparisons: int) -> None:
    """Against as many candidates that are as good as the best, and one that only loses."""
    loss = least_visible_loss(comparisons)

    def worse(lost: int) -> tuple[str, ...]:
        others = [answers(f"same{n}", 9, 90) for n in range(comparisons - 1)]
        return judge([answers("best", 9, 90), *others, answers("lossy", 5, 90 - lost)]).worse

    assert worse(loss) == ("lossy",)
    assert worse(loss - 1) == ()
    assert comparisons * 2 / 2**loss < ALPHA


def test_the_words_name_the_choice_what_is_worse_and_what_is_not_seen() -> None:
    f16, q8, q4 = answers("f16", 9, 95), answers("q8_0", 5, 94), answers("q4_0", 3, 60)
    words = judge([f16, q8, q4]).words
    assert "q8_0 is the smallest that is not significantly worse than the best, f16" in words
    assert "q4_0 is significantly worse." in words
    assert "The test cannot see a loss of fewer than 7 tasks (7.0 points)" in words


def test_the_words_of_a_best_that_is_the_smallest_claim_no_more() -> None:
    words = judge([answers("f16", 9, 95), answers("q4_0", 3, 96)]).words
    assert words.startswith("q4_0 is the smallest, and none answers more of the 100 tasks.")


def test_the_words_of_a_best_above_worse_ones() -> None:
    words = judge([answers("f16", 9, 95), answers("q4_0", 3, 5)]).words
    assert words.startswith("f16 is enough: none answers more of the 100 tasks. q4_0 is signif")


def test_few_tasks_are_said_to_show_nothing() -> None:
    words = judge([answers("f16", 9, 3, 3), answers("q4_0", 3, 0, 3)]).words
    assert "With 3 tasks the test can see no loss at all" in words
