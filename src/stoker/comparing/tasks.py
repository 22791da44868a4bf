"""Tasks: what is asked and what is expected, read from JSON lines within bounds.

Owns the file's format. Whether an answer is right is decided by `matching`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from stoker.comparing.matching import Match, check_pattern
from stoker.core.errors import FileMissingError, InvalidRequestError

TASKS_MAX = 10_000
LINE_BYTES_MAX = 1 << 20
CATEGORIES_MAX = 64
STARTER_TASKS = Path(__file__).with_name("starter_tasks.jsonl")

_FIELDS = frozenset({"prompt", "messages", "expected", "match", "category"})
_ROLES = frozenset({"system", "user", "assistant"})
_CATEGORY_CHARACTERS = 64


# A prompt, or a conversation whose last word is the model's.
Asked = str | tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One question and what is expected of its answer."""

    asked: Asked
    expected: str
    match: Match
    category: str


def load_tasks(path: Path) -> tuple[Task, ...]:
    """The tasks of the file at `path`, one JSON object a line; empty lines are passed over.

    Raises:
        FileMissingError: no such file.
        InvalidRequestError: it cannot be read, or a line is not a task (with its number), or there
            are too many.
    """
    try:
        with path.open("rb") as file:
            return read_tasks(iter(lambda: file.readline(LINE_BYTES_MAX + 1), b""))
    except OSError as error:
        kind = FileMissingError if isinstance(error, FileNotFoundError) else InvalidRequestError
        raise kind(
            f"The tasks cannot be read: {error.strerror}", hint="give a file of JSON lines"
        ) from error


def read_tasks(lines: Iterable[bytes]) -> tuple[Task, ...]:
    """The tasks that `lines` hold, in their order.

    Raises:
        InvalidRequestError: a line is not a task, there is none, or there are too many.
    """
    numbered = ((at, line) for at, line in enumerate(lines, 1) if line.strip())
    tasks = tuple(_read_line(at, line) for at, line in islice(numbered, TASKS_MAX + 1))
    if not tasks:
        raise InvalidRequestError("There is no task", hint="write one JSON object a line")
    if len(tasks) > TASKS_MAX:
        raise InvalidRequestError(f"There are more than {TASKS_MAX} tasks", hint="give fewer")
    if len({task.category for task in tasks}) > CATEGORIES_MAX:
        raise InvalidRequestError(
            f"The tasks have more than {CATEGORIES_MAX} categories", hint="use fewer"
        )
    return tasks


def _read_line(at: int, line: bytes) -> Task:
    try:
        return _to_task(_parse(line))
    except ValueError as error:
        raise InvalidRequestError(
            f"Line {at} of the tasks: {error}",
            hint='a task is {"prompt": ..., "expected": ..., "match": "exact"}',
        ) from None


def _parse(line: bytes) -> dict[str, Any]:
    if len(line) > LINE_BYTES_MAX:
        raise ValueError(f"it is longer than {LINE_BYTES_MAX} bytes")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(record, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - one kind for a bad line
    if unknown := sorted(record.keys() - _FIELDS):
        raise ValueError(f"{unknown[0][:64]!r} is not a field of a task")
    return record


def _to_task(record: dict[str, Any]) -> Task:
    match = _match(record.get("match", Match.EXACT))
    expected = _text(record, "expected")
    if match is Match.REGEX:
        check_pattern(expected)
    elif match is Match.JSON:
        _check_json(expected)
    category = _text(record, "category") if "category" in record else "all"
    if not 1 <= len(category) <= _CATEGORY_CHARACTERS or not category.isprintable():
        raise ValueError(f"category is not a word of at most {_CATEGORY_CHARACTERS} characters")
    return Task(_asked(record), expected, match, category)


def _match(word: object) -> Match:
    if not isinstance(word, str) or word not in set(Match):
        raise ValueError(f"match must be one of {', '.join(Match)}")
    return Match(word)


def _check_json(expected: str) -> None:
    try:
        json.loads(expected)
    except (ValueError, RecursionError):
        raise ValueError("expected is not JSON, but match is json") from None


def _asked(record: dict[str, Any]) -> Asked:
    if ("prompt" in record) == ("messages" in record):
        raise ValueError("it needs either a prompt or messages")
    if "prompt" in record:
        return _text(record, "prompt")
    messages = record["messages"]
    if not isinstance(messages, list) or not messages:
        raise ValueError("messages must be a list that is not empty")
    return tuple(_message(message) for message in messages)


def _message(message: object) -> Mapping[str, str]:
    if not isinstance(message, dict) or message.keys() != {"role", "content"}:
        raise ValueError("a message has a role and a content, and nothing else")
    role = _text(message, "role")
    if role not in _ROLES:
        raise ValueError(f"a role is one of {', '.join(sorted(_ROLES))}")
    return {"role": role, "content": _text(message, "content")}


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text")  # noqa: TRY004 - one kind for a bad line
    return value
