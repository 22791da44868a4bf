"""The questions of `stoker advise` on a terminal: few, short, and each can be skipped.

Owns the order and the words. What an answer may be is checked by `library.judging.constraints`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from stoker.core.needs import DataPlace, Operations, Quality, Stage

Answers = dict[str, Any]
_NO_END = 1e12
_MOMENT = 0.001


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One question: the need it asks for, its words, and the answers that it takes.

    `name` is a need, or `costs.` and a cost. `only_if` looks at the answers so far. An empty
    `default` means that Enter leaves the need unstated. Without choices a number from `least` to
    `most` is asked for, or with `text` any words.
    """

    name: str
    words: str
    choices: tuple[str, ...] = ()
    default: str = ""
    text: bool = False
    least: float = 0.0
    most: float = _NO_END
    only_if: Callable[[Mapping[str, Any]], bool] = lambda _: True


def _has_volume(answers: Mapping[str, Any]) -> bool:
    return bool(answers.get("requests_per_day"))


def _is_split(answers: Mapping[str, Any]) -> bool:
    return _has_volume(answers) and answers.get("data") == DataPlace.MIXED


def _may_pay(answers: Mapping[str, Any]) -> bool:
    """Costs are asked for where they can decide: there is a volume, and an API is possible."""
    places = (DataPlace.MACHINE, DataPlace.NETWORK)
    return _has_volume(answers) and answers.get("data") not in places


QUESTIONS: Sequence[Inquiry] = (
    Inquiry("data", "Where may your data go?", tuple(DataPlace)),
    Inquiry("offline", "Must it work without a network?", ("yes", "no"), "no"),
    Inquiry("quality", "How good must answers be?", tuple(Quality), "good"),
    Inquiry("stage", "How far is the project?", tuple(Stage), "production"),
    Inquiry("operations", "Who can look after a service?", tuple(Operations)),
    Inquiry("requests_per_day", "How many requests a day?"),
    Inquiry("prompt_tokens", "Tokens in a prompt?", (), "1000", least=1, only_if=_has_volume),
    Inquiry("answer_tokens", "Tokens in an answer?", (), "300", least=1, only_if=_has_volume),
    Inquiry("concurrency", "How many answers at a time, at the most?", least=1),
    Inquiry("context", "Tokens in the longest prompt with its answer?", least=1),
    Inquiry("ttft_s_max", "Seconds that people wait for the first word?", least=_MOMENT),
    Inquiry(
        "tok_s_min", "Tokens a second after it, at least (people read about 5)?", least=_MOMENT
    ),
    Inquiry("local_share", "What share of requests must stay, 0 to 1?", most=1, only_if=_is_split),
    Inquiry("budget_usd_month", "The most it may cost, in dollars a month?"),
    Inquiry("tasks", "A file of your own tasks, if there is one?", text=True),
    Inquiry(
        "costs.purchase_usd",
        "What does the machine cost, in dollars (0 if owned)?",
        only_if=_may_pay,
    ),
    Inquiry("costs.usd_per_kwh", "What does a kWh cost, in dollars?", only_if=_may_pay),
    Inquiry("costs.person_hours_month", "Hours a month to look after it?", only_if=_may_pay),
    Inquiry("costs.usd_per_person_hour", "What does such an hour cost?", only_if=_may_pay),
)
# What is asked whatever else was stated: whether data may leave is never assumed unasked.
BOUNDARY = QUESTIONS[:1]
_WHOLE = frozenset({"prompt_tokens", "answer_tokens", "concurrency", "context"})


def ask(given: Mapping[str, Any], questions: Sequence[Inquiry] = QUESTIONS) -> Answers:
    """`given` with the answers to what it leaves open; questions go to the standard error.

    Raises:
        click.Abort: the person gave up with Ctrl-C or Ctrl-D.
    """
    answers: Answers = dict(given)
    costs: Answers = dict(given.get("costs", {}))
    click.echo("Enter takes what stands in brackets, or skips the question.", err=True)
    for question in questions:
        table, _, name = question.name.rpartition(".")
        place = costs if table else answers
        if name in place or not question.only_if(answers):
            continue
        value = _ask_one(question)
        if value is not None:
            place[name] = value
    return {**answers, "costs": costs} if costs else answers


def _ask_one(question: Inquiry) -> Any:
    words = f"{question.words} ({', '.join(question.choices)})" if question.choices else None
    answer: str | float | None = click.prompt(
        words or question.words,
        default=question.default,
        show_default=bool(question.default),
        prompt_suffix=" ",
        err=True,
        value_proc=lambda text: _read(question, text.strip()),
    )
    if question.name == "offline":
        return answer == "yes"
    return None if answer == "" else answer


def _read(question: Inquiry, text: str) -> str | float | int:
    """What was typed, in the question's kind; an unfinished word is completed."""
    if not text or question.text:
        return text
    if question.choices:
        found = [choice for choice in question.choices if choice.startswith(text.lower())]
        if len(found) != 1:
            raise click.UsageError(f"one of {', '.join(question.choices)}, please")
        return found[0]
    try:
        value = float(text.replace(",", "").replace("_", "").removeprefix("$"))
    except ValueError:
        raise click.UsageError("a number, please") from None
    if not question.least <= value <= question.most:
        end = "on" if question.most >= _NO_END else f"to {question.most:g}"
        raise click.UsageError(f"a number from {question.least:g} {end}, please")
    return int(value) if question.name in _WHOLE else value
