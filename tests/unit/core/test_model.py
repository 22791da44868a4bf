"""A model's name is a name, never a path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import InvalidModelNameError
from stoker.core.model import NAME_LENGTH_MAX, ModelRef


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("starter", ModelRef("starter", "latest")),
        ("starter:latest", ModelRef("starter")),
        ("Qwen2.5-0.5B:q8_0", ModelRef("Qwen2.5-0.5B", "q8_0")),
    ],
)
def test_a_reference_is_a_name_and_a_tag(text: str, ref: ModelRef) -> None:
    assert ModelRef.parse(text) == ref


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "a:",
        ":b",
        "a:b:c",
        "../etc/passwd",
        "/abs",
        "a/b",
        "..",
        "a..b",
        "a%2fb",
        "a\\b",
        "a\0b",
        "a\n",
        " a",
        "ä",
        "-a",
        "a" * 97,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidModelNameError):
        ModelRef.parse(text)


@given(st.text(max_size=120))
def test_whatever_is_taken_comes_back_the_same_and_holds_no_separator(text: str) -> None:
    try:
        ref = ModelRef.parse(text)
    except InvalidModelNameError:
        return
    assert ModelRef.parse(str(ref)) == ref
    assert not set(str(ref)) & set("/\\\0%")
    assert ".." not in str(ref)


def test_a_name_that_is_too_long_is_told_the_limit() -> None:
    assert ModelRef.parse("x" * NAME_LENGTH_MAX).name == "x" * NAME_LENGTH_MAX
    with pytest.raises(InvalidModelNameError) as caught:
        ModelRef.parse("x" * 200)
    assert str(NAME_LENGTH_MAX) in caught.value.hint
