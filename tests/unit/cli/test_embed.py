"""What `stoker embed` takes."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from stoker.cli import embed
from stoker.core.errors import InvalidRequestError, PayloadTooLargeError


def error_of(piped: str) -> BaseException | None:
    return CliRunner().invoke(embed.command, ["./none.gguf"], input=piped).exception


def test_no_text_is_refused_before_the_model_is_loaded() -> None:
    assert isinstance(error_of("\n \n"), InvalidRequestError)


def test_lines_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "_TEXTS_MAX", 2)
    assert isinstance(error_of("a\nb\nc\n"), PayloadTooLargeError)


def test_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "_PIPED_MAX", 4)
    assert isinstance(error_of("abcde"), PayloadTooLargeError)
