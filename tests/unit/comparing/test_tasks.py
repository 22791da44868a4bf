"""Tasks are read whole or refused with the number of the line that is off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stoker.comparing.matching import Match
from stoker.comparing.tasks import STARTER_TASKS, TASKS_MAX, load_tasks, read_tasks
from stoker.core.errors import InvalidRequestError

GOOD = {"prompt": "2 + 2?", "expected": "4"}


def line(**fields: Any) -> bytes:
    return json.dumps({**GOOD, **fields}).encode() + b"\n"


def test_a_task_without_a_rule_is_exact_and_of_the_category_all() -> None:
    (task,) = read_tasks([line()])
    assert (task.asked, task.expected, task.match, task.category) == ("2 + 2?", "4", "exact", "all")


def test_messages_are_kept_as_they_are() -> None:
    messages = [{"role": "user", "content": "Hi"}]
    (task,) = read_tasks([json.dumps({"messages": messages, "expected": "Hello"}).encode()])
    assert list(task.asked) == messages


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff{}", "not JSON"),
        (line(answer="4"), "'answer' is not a field"),
        (line(match="fuzzy"), "match must be one of exact, contains, regex, json"),
        (line(expected=4), "expected must be a text"),
        (line(match="regex", expected="("), "malformed"),
        (line(match="json", expected="{"), "expected is not JSON"),
        (line(category=""), "category"),
        (line(category="a\nb"), "category"),
        (line(messages=[]), "either a prompt or messages"),
        (b'{"expected": "4"}', "either a prompt or messages"),
        (b'{"messages": [], "expected": "4"}', "not empty"),
        (b'{"messages": [{"role": "god", "content": ""}], "expected": ""}', "a role is one of"),
        (b'{"messages": [{"role": "user"}], "expected": ""}', "a message has"),
        (b'{"prompt": "' + b"a" * (1 << 20) + b'"}', "longer than"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_and_its_reason(bad: bytes, word: str) -> None:
    with pytest.raises(InvalidRequestError, match=word) as caught:
        read_tasks([line(), b"\n", bad])
    assert caught.value.message.startswith("Line 3 of the tasks: ")


def test_too_many_tasks_or_none_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="no task"):
        read_tasks([b"\n"])
    with pytest.raises(InvalidRequestError, match="more than"):
        read_tasks([line()] * (TASKS_MAX + 1))
    with pytest.raises(InvalidRequestError, match="categories"):
        read_tasks(line(category=f"c{n}") for n in range(65))


def test_a_file_that_is_not_there_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        load_tasks(tmp_path / "none.jsonl")


def test_the_starters_tasks_are_balanced_and_small() -> None:
    tasks = load_tasks(STARTER_TASKS)
    counts = {one.category: 0 for one in tasks}
    for one in tasks:
        counts[one.category] += 1
    assert len(set(counts.values())) == 1
    assert len(counts) == 18
    assert {one.match for one in tasks} >= {Match.EXACT, Match.JSON}
    assert STARTER_TASKS.stat().st_size < 100_000
