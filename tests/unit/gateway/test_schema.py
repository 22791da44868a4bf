"""Reading what a client sends: everything is taken or refused by name, nothing is repeated."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.errors import InvalidRequestError, UnsupportedParameterError
from stoker.core.request import Role
from stoker.gateway.openai import schema
from stoker.gateway.openai.schema import ChatBody, CompletionBody

MARK = "zqxmark"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just(MARK),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
FIELDS = st.sampled_from([*ChatBody.model_fields, *sorted(schema.UNSUPPORTED), "temprature"])


def chat(**fields: Any) -> bytes:
    body = {"model": "m", "messages": [{"role": "user", "content": "a"}], **fields}
    return json.dumps(body).encode()


def refusal(body: bytes) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        schema.read(ChatBody, body)
    return caught.value


@given(st.binary())
def test_arbitrary_bytes_raise_nothing_but_our_error(body: bytes) -> None:
    for shape in (ChatBody, CompletionBody):
        with pytest.raises(InvalidRequestError):
            schema.read(shape, body)


@settings(deadline=None)
@given(st.dictionaries(FIELDS, VALUES, min_size=1, max_size=4))
def test_arbitrary_json_is_read_or_refused_without_repeating_a_value(fields: dict) -> None:
    said = ""
    try:
        schema.read(ChatBody, chat(**fields))
    except InvalidRequestError as error:
        said = f"{error.text} {error.param}"
    assert MARK not in said


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": "x"}, "temperature"),
        ({"stop": [1]}, "stop.0"),
        ({"stop": 1}, "stop"),
        ({"metadata": {"secret": 5}}, "metadata"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "x"}]}]}, "messages.0.content.0.type"),
        ({"messages": [{"role": "user", "content": "a", "zz": 1}]}, "messages.0.zz"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 2}, "n"),
        ({"string": 1}, "string"),
    ],
)
def test_the_field_that_is_off_is_named_as_the_client_wrote_it(fields: dict, param: str) -> None:
    error = refusal(chat(**fields))
    assert error.param == param
    assert param in error.message


@pytest.mark.parametrize("name", sorted(schema.UNSUPPORTED))
def test_a_field_of_openai_that_is_not_supported_is_said_so(name: str) -> None:
    error = refusal(chat(**{name: None}))
    assert isinstance(error, UnsupportedParameterError)
    assert error.param == name


@pytest.mark.parametrize("name", sorted(schema.UNSUPPORTED_IN_MESSAGES))
def test_a_field_of_a_message_that_is_not_supported_is_said_so(name: str) -> None:
    error = refusal(chat(messages=[{"role": "user", "content": "a", name: "x"}]))
    assert isinstance(error, UnsupportedParameterError)
    assert error.param == f"messages.0.{name}"


def test_a_nested_field_is_not_taken_for_a_slip_in_a_field_of_the_body() -> None:
    error = refusal(chat(messages=[{"role": "user", "content": "a", "messages": 1}]))
    assert "did you mean" not in error.hint


def test_no_field_is_both_taken_and_refused() -> None:
    assert not schema.UNSUPPORTED & ChatBody.model_fields.keys()


def test_the_name_of_an_unknown_field_is_cut_short_and_cannot_move_a_cursor() -> None:
    error = refusal(chat(**{"\x1b[2J" + "x" * 500: 1}))
    assert "\x1b" not in error.text
    assert len(error.text) < 200


def test_what_a_client_asks_for_arrives_in_the_core() -> None:
    body = schema.read(ChatBody, chat(temperature=1, stop="x", max_tokens=3, seed=7))
    sampling = body.sampling()
    assert (sampling.temperature, sampling.stop, sampling.max_tokens, sampling.seed) == (
        1,
        ("x",),
        3,
        7,
    )
    newer = schema.read(ChatBody, chat(max_tokens=3, max_completion_tokens=4))
    assert newer.sampling().max_tokens == 4


def test_a_developer_speaks_as_the_system_and_parts_become_one_text() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    body = schema.read(ChatBody, chat(messages=[{"role": "developer", "content": parts}]))
    message = body.messages[0].to_core()
    assert (message.role, message.content) == (Role.SYSTEM, "ab")
