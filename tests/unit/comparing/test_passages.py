"""What is scored: whole right answers, where the model would give them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.comparing.matching import Match
from stoker.comparing.passages import (
    CONVERSATIONS_MAX,
    SCORED_TOKENS_MIN,
    STARTER_TEXT,
    check_enough,
    load_text,
    of_tasks,
    render_all,
    step_that_fits,
)
from stoker.comparing.tasks import STARTER_TASKS, Asked, Task, load_tasks
from stoker.core.errors import InvalidRequestError, TextTooShortError
from stoker.engines.llamacpp.logits import TEXT_BYTES_MAX, Passage, size_bytes


def task(asked: Asked = "2 + 2?", expected: str = "4", match: str = "exact") -> Task:
    return Task(asked, expected, Match(match), "sums")


async def render(asked: Asked) -> str:
    if asked == "refuse":
        raise InvalidRequestError("the template takes no such role")
    return f"<{asked}>"


def test_a_text_file_is_running_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("A word. " * 40)
    found = load_text(path)
    assert (found.source, found.text, found.conversations) == ("mine.txt", "A word. " * 40, ())
    assert found.scored_bytes == 320


def test_a_file_of_json_lines_is_conversations(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps({"prompt": "2 + 2?", "expected": "4"}))
    found = load_text(path)
    assert (found.text, len(found.conversations)) == ("", 1)
    assert found.scored_bytes == 2


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"short", TextTooShortError, "fewer than 200"),
        (b" \n" * 500, TextTooShortError, "fewer than 200"),
        (b"\xff" * 500, InvalidRequestError, "not UTF-8"),
        (b"a" * (TEXT_BYTES_MAX + 1), InvalidRequestError, "longer than"),
        (None, InvalidRequestError, "cannot be read"),
    ],
)
def test_a_text_that_tells_nothing_is_refused(
    tmp_path: Path, data: bytes | None, error: type[Exception], words: str
) -> None:
    path = tmp_path / "mine.txt"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(error, match=words):
        load_text(path)


def test_parts_of_answers_are_no_answers() -> None:
    rules = ["exact", "contains", "regex", "json"]
    kept = of_tasks("mine", [task(match=rule) for rule in rules]).conversations
    assert [one.match for one in kept] == ["exact", "json"]


async def test_each_answer_stands_behind_its_rendered_question() -> None:
    found = await render_all([task(), task("refuse"), task("x", "y")], render, closed=True)
    assert found.text == (Passage("<2 + 2?>", "4", True), Passage("<x>", "y", True))  # noqa: FBT003
    assert (found.categories, found.refused) == (("sums", "sums"), 1)


async def test_a_template_that_takes_nothing_leaves_nothing() -> None:
    found = await render_all([task("refuse")] * 3, render, closed=True)
    assert (found.text, found.refused) == ((), 3)


async def test_of_too_many_conversations_evenly_spread_ones_are_rendered() -> None:
    asked = [task(str(at)) for at in range(CONVERSATIONS_MAX + 1)]
    found = await render_all(asked, render, closed=True)
    assert [one.given for one in found.text[:2]] == ["<0>", "<2>"]  # type: ignore[union-attr]
    assert len(found.text) == CONVERSATIONS_MAX // 2 + 1


@given(st.lists(st.integers(1, 60), max_size=40), st.integers(60, 500))
def test_of_too_many_passages_evenly_spread_ones_are_taken(sizes: list[int], most: int) -> None:
    passages = [Passage("a" * size, "") for size in sizes]
    step = step_that_fits(passages, most)
    assert size_bytes(passages[::step]) <= most
    assert step == 1 or size_bytes(passages[:: step - 1]) > most


def test_too_few_tokens_are_refused() -> None:
    check_enough(SCORED_TOKENS_MIN)
    with pytest.raises(TextTooShortError, match="49 tokens would be scored"):
        check_enough(SCORED_TOKENS_MIN - 1)


def test_the_starters_text_is_broad_and_asks_nothing_that_its_tasks_ask() -> None:
    text, tasks = load_text(STARTER_TEXT).conversations, load_tasks(STARTER_TASKS)
    assert {one.category for one in text} == {one.category for one in tasks}
    assert not {str(one.asked) for one in text} & {str(one.asked) for one in tasks}
