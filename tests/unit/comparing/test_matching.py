"""Each rule says right and wrong as it is named."""

from __future__ import annotations

import re

import pytest

from stoker.comparing.matching import (
    PATTERN_CHARACTERS_MAX,
    REGEX_ANSWER_CHARACTERS_MAX,
    Match,
    check_pattern,
    matches,
)


async def search(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


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
async def test_a_rule_decides(rule: str, expected: str, answer: str, right: bool) -> None:
    assert await matches(Match(rule), expected, answer, search) is right


async def test_a_pattern_sees_a_bounded_part_of_an_answer() -> None:
    answer = "a" * REGEX_ANSWER_CHARACTERS_MAX + "end"
    assert not await matches(Match.REGEX, "end", answer, search)


@pytest.mark.parametrize("pattern", ["[", "a" * (PATTERN_CHARACTERS_MAX + 1), "*"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"malformed|longer"):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", [r"\d+ dollars", "^(yes|no)$", "a+b*", r"(\d+,)*\d+"])
def test_an_ordinary_pattern_is_taken(pattern: str) -> None:
    check_pattern(pattern)
