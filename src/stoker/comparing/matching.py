"""Whether an answer is right, by the rule its task names.

Owns the rules and their bounds. A pattern and the text it is tried on are bounded in length, which
bounds the memory of a search and not its time: it is done through a port that has a deadline.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any

PATTERN_CHARACTERS_MAX = 512
REGEX_ANSWER_CHARACTERS_MAX = 1024

# Whether a pattern is found in a text; `searching.PatternSearch.found`.
Search = Callable[[str, str], Awaitable[bool]]


class Match(StrEnum):
    """The rules: equal, within, a pattern found somewhere, equal as JSON."""

    EXACT = "exact"
    CONTAINS = "contains"
    REGEX = "regex"
    JSON = "json"


async def matches(rule: Match, expected: str, answer: str, search: Search) -> bool:
    """Whether `answer` is right; white space around both never counts, except in a pattern.

    An answer that is too long for a pattern is cut at `REGEX_ANSWER_CHARACTERS_MAX`.

    Raises:
        PatternSearchError: as `search`.
    """
    said = answer.strip()
    match rule:
        case Match.EXACT:
            return said == expected.strip()
        case Match.CONTAINS:
            return expected.strip() in said
        case Match.REGEX:
            return await search(expected, said[:REGEX_ANSWER_CHARACTERS_MAX])
        case Match.JSON:
            return _same_json(expected, said)


def check_pattern(pattern: str) -> None:
    """Refuse what is no pattern.

    Raises:
        ValueError: too long, or malformed.
    """
    if len(pattern) > PATTERN_CHARACTERS_MAX:
        raise ValueError(f"the pattern is longer than {PATTERN_CHARACTERS_MAX} characters")
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"the pattern is malformed: {error}") from None


def _same_json(expected: str, answer: str) -> bool:
    try:
        return bool(_typed(json.loads(expected)) == _typed(json.loads(answer)))
    except (ValueError, RecursionError):
        return False


def _typed(value: Any) -> Any:
    """`value` in a form where `true` differs from `1`, as in JSON; 1 and 1.0 stay equal."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, dict):
        return {name: _typed(part) for name, part in value.items()}
    return [_typed(part) for part in value] if isinstance(value, list) else value
