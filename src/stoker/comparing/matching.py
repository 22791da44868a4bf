"""Whether an answer is right, by the rule its task names.

Pure. A pattern and the text it is tried on are bounded in length, which bounds the memory but
not the time of a pattern that backtracks without end: nested repeats are refused for that. What is
left, several repeats in a row, is slow by a power of the bounded length; the tasks are the
caller's own file, and Ctrl-C ends a search.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from re import _parser  # type: ignore[attr-defined]  # the one way to see a pattern's parts
from typing import Any

PATTERN_CHARACTERS_MAX = 512
REGEX_ANSWER_CHARACTERS_MAX = 1024


class Match(StrEnum):
    """The rules: equal, within, a pattern found somewhere, equal as JSON."""

    EXACT = "exact"
    CONTAINS = "contains"
    REGEX = "regex"
    JSON = "json"


def matches(rule: Match, expected: str, answer: str) -> bool:
    """Whether `answer` is right; white space around both never counts, except in a pattern.

    An answer that is too long for a pattern is cut at `REGEX_ANSWER_CHARACTERS_MAX`.
    """
    said = answer.strip()
    match rule:
        case Match.EXACT:
            return said == expected.strip()
        case Match.CONTAINS:
            return expected.strip() in said
        case Match.REGEX:
            return re.search(expected, said[:REGEX_ANSWER_CHARACTERS_MAX]) is not None
        case Match.JSON:
            return _same_json(expected, said)


def check_pattern(pattern: str) -> None:
    """Refuse what is no pattern, or one that could take forever on a short text.

    Raises:
        ValueError: too long, malformed, or an unbounded repeat within an unbounded repeat.
    """
    if len(pattern) > PATTERN_CHARACTERS_MAX:
        raise ValueError(f"the pattern is longer than {PATTERN_CHARACTERS_MAX} characters")
    try:
        re.compile(pattern)
        parsed = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"the pattern is malformed: {error}") from None
    if _depth(parsed) > 1:
        raise ValueError("the pattern repeats a repeat, which could take forever")


_LONG_REPEAT = 16


def _depth(node: Any) -> int:
    """How deeply long repeats are nested in what the parser made of a pattern."""
    if isinstance(node, tuple) and len(node) == 2 and str(node[0]) in {"MAX_REPEAT", "MIN_REPEAT"}:
        _, most, body = node[1]
        return int(most > _LONG_REPEAT) + _depth(body)
    if isinstance(node, list | tuple | _parser.SubPattern):
        return max((_depth(part) for part in node), default=0)
    return 0


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
