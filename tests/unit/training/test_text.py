"""The generated text: deterministic, and split so that no test case is ever trained on."""

from __future__ import annotations

import itertools
import json
import random

import pytest
from training.text import arithmetic, faq, reading, stream
from training.text.case import Turn, is_held_out, normalise

SAMPLE = 6_000


@pytest.fixture(scope="module")
def held_out() -> list[dict[str, object]]:
    lines = stream.HELD_OUT_PATH.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def training_turns() -> list[Turn]:
    cases = itertools.islice(stream.training_stream(), SAMPLE)
    return [turn for case in cases for turn in case.turns]


def test_the_same_seed_gives_the_same_stream() -> None:
    first, second = stream.training_stream(3), stream.training_stream(3)
    assert list(itertools.islice(first, 200)) == list(itertools.islice(second, 200))


def test_another_seed_gives_another_stream() -> None:
    first, second = stream.training_stream(3), stream.training_stream(4)
    assert list(itertools.islice(first, 50)) != list(itertools.islice(second, 50))


def test_the_committed_test_set_is_what_the_generator_makes() -> None:
    committed = stream.HELD_OUT_PATH.read_text(encoding="utf-8").splitlines()
    assert committed == stream.held_out_lines()


def test_the_test_set_is_large_and_broad(held_out: list[dict[str, object]]) -> None:
    tasks = [case["task"] for case in held_out]
    assert len(held_out) >= 400
    assert len(set(tasks)) >= 10
    assert min(tasks.count(task) for task in set(tasks)) >= 20


def test_ids_are_unique(held_out: list[dict[str, object]]) -> None:
    assert len({case["id"] for case in held_out}) == len(held_out)


def test_no_training_turn_is_on_the_held_out_side(training_turns: list[Turn]) -> None:
    assert not [turn.key for turn in training_turns if is_held_out(turn.key)]


def test_no_held_out_question_is_in_the_training_stream(training_turns: list[Turn]) -> None:
    trained = {normalise(turn.question) for turn in training_turns if turn.task != "recall"}
    asked = {
        normalise(case.turns[-1].question)
        for case in stream.held_out_cases()
        if case.task != "recall"
    }
    assert not trained & asked


def test_no_held_out_message_is_in_the_training_stream(training_turns: list[Turn]) -> None:
    trained = {turn.key for turn in training_turns}
    assert not trained & {case.turns[-1].key for case in stream.held_out_cases()}


def test_a_refused_question_is_never_answered_elsewhere(training_turns: list[Turn]) -> None:
    answers: dict[str, set[str]] = {}
    for turn in training_turns:
        if turn.task != "recall":
            answers.setdefault(normalise(turn.question), set()).add(turn.answer)
    assert not {question for question, found in answers.items() if len(found) > 1}


@pytest.mark.parametrize("seed", range(40))
def test_arithmetic_is_right(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - fixed on purpose
    added, taken = arithmetic.addition(rng), arithmetic.subtraction(rng)
    a, b = map(int, added.key.split("+"))
    c, d = map(int, taken.key.split("-"))
    assert int(added.answer) == a + b
    assert int(taken.answer) == c - d >= 0


@pytest.mark.parametrize("name", sorted(reading.FIELD_BY_NAME))
def test_an_extracted_value_stands_in_its_message(name: str) -> None:
    rng = random.Random(5)  # noqa: S311 - fixed on purpose
    for _ in range(50):
        turn = reading.extract(name, rng)
        assert turn.answer == reading.ABSENT or turn.answer in turn.key


def test_json_answers_hold_values_of_the_message_or_null() -> None:
    rng = random.Random(6)  # noqa: S311 - fixed on purpose
    for _ in range(100):
        turn = reading.extract_json(rng)
        for value in json.loads(turn.answer).values():
            assert value is None or value in turn.key


def test_the_first_question_of_a_new_user_is_trained() -> None:
    assert not is_held_out("What is the refund policy?")


def test_the_long_answer_lists_every_policy() -> None:
    assert faq.overview_answer().count("\n") == len(faq.OVERVIEW_FACTS)
