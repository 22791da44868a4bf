"""Each rule says right and wrong as it is named."""

from __future__ import annotations

import pytest

from stoker.comparing.matching import (
    PATTERN_CHARACTERS_MAX,
    REGEX_ANSWER_CHARACTERS_MAX,
    Match,
    check_pattern,
    matches,
)


@pytest.mark.parametrize(
    ("rule", "expected", "answer", "right"),
    [
        ("exact", "Berlin", " Berlin\n", True),
        ("exact", "Berlin", "berlin", False),
        ("contains", "Berlin", "It is Berlin.", True),
        ("contains", "Berlin", "It is Bern.", False),
        ("regex", r"^\d{4}$", "1234", True),
        ("regex", r"^\d{4}$", "12345", False),
        ("json", '{"a": 1, "b": [true]}', '{"b":[true],"a":1.0}', True),
        ("json", '{"a": 1}', '{"a": true}', False),
        ("json", "[1]", "[[1]", False),
        ("json", "[1]", "[1, 2]", False),
        ("json", '{"a": 1}', "[" * 100_000, False),
    ],
)
def test_a_rule_decides(rule: str, expected: str, answer: str, right: bool) -> None:
    assert matches(Match(rule), expected, answer) is right


def test_a_pattern_sees_a_bounded_part_of_an_answer() -> None:
    assert not matches(Match.REGEX, "end", "a" * REGEX_ANSWER_CHARACTERS_MAX + "end")


@pytest.mark.parametrize("pattern", ["(a+)+", "(a*)*b", "((a|b)*c)*", "(.{0,99})*", "(?:x+y?)+"])
def test_a_repeat_of_a_repeat_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="repeats a repeat"):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["[", "a" * (PATTERN_CHARACTERS_MAX + 1), "*"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"malformed|longer"):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", [r"\d+ dollars", "^(yes|no)$", "a+b*", "(ab){2,4}c+"])
def test_an_ordinary_pattern_is_taken(pattern: str) -> None:
    check_pattern(pattern)
