"""Every error has one message, one hint, one status, one code and one exit code."""

from __future__ import annotations

import inspect
import re

import pytest

from stoker.core import errors
from stoker.core.errors import InvalidRequestError, StokerError

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass)]
ALL = [cls for cls in CLASSES if issubclass(cls, StokerError)]
OPENAI_TYPES = {
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "rate_limit_error",
    "overloaded_error",
    "server_error",
}


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_the_docstring_is_the_message_with_a_hint(cls: type[StokerError]) -> None:
    error = cls()
    assert error.message
    assert not error.message.endswith(".")
    assert error.hint
    assert error.hint in error.text
    assert error.message in error.text


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_each_error_maps_to_http_openai_and_an_exit_code(cls: type[StokerError]) -> None:
    assert 400 <= cls.http_status <= 599
    assert cls.openai_type in OPENAI_TYPES
    assert re.fullmatch(r"[a-z_]+", cls.openai_code)
    assert 1 <= cls.exit_code <= 12
    assert (cls.retry_after_s is not None) == issubclass(cls, errors.OverloadedError)


def test_no_two_leaves_share_an_openai_code() -> None:
    leaves = [cls for cls in ALL if not cls.__subclasses__()]
    codes = [cls.openai_code for cls in leaves]
    assert len(set(codes)) == len(codes)


def test_the_tree_at_the_top_is_the_tree_of_the_classes() -> None:
    drawn = set(re.findall(r"\b[A-Z][A-Za-z]+Error\b", errors.__doc__ or ""))
    assert drawn == {cls.__name__ for cls in ALL}


def test_an_own_message_and_hint_replace_the_default() -> None:
    error = InvalidRequestError("too hot", hint="use less", param="temperature")
    assert (error.message, error.hint, error.param) == ("too hot", "use less", "temperature")
    assert error.text == "too hot (use less)"
