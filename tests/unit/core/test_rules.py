"""Conditions mean what they say, and what is unknown meets none but `is unknown`."""

from __future__ import annotations

import pytest

from stoker.core.rules import VOCABULARY, Condition


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("data is machine", "machine", True),
        ("data is machine or network", "network", True),
        ("data is machine", "mixed", False),
        ("data is not machine", "mixed", True),
        ("data is not machine or mixed", "mixed", False),
        ("requests_per_day at most 100", 100.0, True),
        ("requests_per_day at most 100", 100.1, False),
        ("requests_per_day at least 1e3", 1000, True),
        ("api_price is unknown", "$1", False),
        ("api_price is not unknown", "$1", True),
    ],
)
def test_a_condition_holds_for_its_values(text: str, value: str | float, holds: bool) -> None:
    assert Condition.parse(text).holds(value) is holds


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("data is machine", False),
        ("data is not machine", False),
        ("requests_per_day at most 1e9", False),
        ("requests_per_day at least 0", False),
        ("requests_per_day is unknown", True),
        ("requests_per_day is not unknown", False),
    ],
)
def test_what_is_unknown_meets_only_is_unknown(text: str, holds: bool) -> None:
    assert Condition.parse(text).holds(None) is holds


@pytest.mark.parametrize(
    "text",
    [
        "weather is fine",
        "data is mars",
        "data is",
        "data",
        "data equals machine",
        "data at least 3",
        "requests_per_day is 3",
        "requests_per_day at most many",
        "api_model is openai/gpt-5",
    ],
)
def test_what_no_fact_can_meet_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Condition.parse(text)


@pytest.mark.parametrize("text", ["data is machine or network", "requests_per_day at most 100"])
def test_a_condition_is_written_as_it_is_read(text: str) -> None:
    assert str(Condition.parse(text)) == text


def test_no_fact_has_a_word_that_means_unknown() -> None:
    assert not any("unknown" in words for words in VOCABULARY.values())
