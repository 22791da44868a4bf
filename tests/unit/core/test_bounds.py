"""One check for every door: what no engine can mean is refused, and the value is not repeated."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.bounds import check_task, checked
from stoker.core.errors import CannotEmbedError, CannotGenerateError, InvalidRequestError
from stoker.core.model import LocalModel, ModelFacts, ModelRef, Task
from stoker.core.request import Kind, Message, Request, Role, Sampling

GOOD = Request("1", ModelRef("starter"), Kind.COMPLETION, inputs=("hi",))


def test_a_plain_request_passes_unchanged() -> None:
    assert checked(GOOD) is GOOD


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", math.nan),
        ("temperature", math.inf),
        ("temperature", 99),
        ("temperature", True),
        ("temperature", "hot"),
        ("max_tokens", 0),
        ("max_tokens", 1.5),
        ("seed", -1),
        ("top_p", 2.0),
        ("ignore_eos", "yes"),
    ],
)
def test_a_value_that_no_engine_can_mean_is_refused(name: str, value: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        checked(replace(GOOD, sampling=Sampling(**{name: value})))
    assert caught.value.param == name


@pytest.mark.parametrize("text", ["a\0b", "\ud800", b"bytes"])
def test_text_that_no_engine_can_take_is_refused(text: object) -> None:
    with pytest.raises(InvalidRequestError):
        checked(replace(GOOD, inputs=(text,)))
    with pytest.raises(InvalidRequestError):
        checked(replace(GOOD, kind=Kind.CHAT, messages=(Message(Role.USER, text),)))


@pytest.mark.parametrize("stop", [("",), ("a",) * 17])
def test_a_stop_that_stops_nothing_or_everything_is_refused(stop: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequestError):
        checked(replace(GOOD, sampling=Sampling(stop=stop)))


def test_nothing_to_answer_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="no message"):
        checked(replace(GOOD, kind=Kind.CHAT, inputs=()))


def model_for(task: Task) -> LocalModel:
    facts = ModelFacts("bert", 1, "F32", 4, 8, 1, 4, 2, task, chat_template=False)
    return LocalModel(ModelRef("mini"), Path("mini.gguf"), facts)


@pytest.mark.parametrize("kind", Kind)
def test_a_model_is_asked_only_for_what_it_is_made_for(kind: Kind) -> None:
    embeds, writes = model_for(Task.EMBED), model_for(Task.GENERATE)
    good, bad = (embeds, writes) if kind is Kind.EMBEDDING else (writes, embeds)
    check_task(kind, good)
    error = CannotEmbedError if kind is Kind.EMBEDDING else CannotGenerateError
    with pytest.raises(error, match="mini") as caught:
        check_task(kind, bad)
    assert (caught.value.http_status, caught.value.exit_code) == (400, 2)
    assert "`stoker" in caught.value.hint


def test_bytes_that_are_no_text_are_to_be_given_as_utf_8() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        checked(replace(GOOD, inputs=(b"\xff".decode("utf-8", "surrogateescape"),)))
    assert "UTF-8" in caught.value.hint
