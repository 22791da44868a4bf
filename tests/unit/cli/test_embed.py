"""What `stoker embed` takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from stoker.cli import embed
from stoker.core.errors import CannotEmbedError, InvalidRequestError, PayloadTooLargeError


def error_of(piped: str | bytes) -> BaseException | None:
    return CliRunner().invoke(embed.command, ["./none.gguf"], input=piped).exception


def test_no_text_is_refused_before_the_model_is_loaded() -> None:
    assert isinstance(error_of("\n \n"), InvalidRequestError)


def test_lines_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "_TEXTS_MAX", 2)
    assert isinstance(error_of("a\nb\nc\n"), PayloadTooLargeError)


def test_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "_PIPED_MAX", 4)
    assert isinstance(error_of("abcde"), PayloadTooLargeError)


@pytest.mark.parametrize(
    ("piped", "words"),
    [
        ("a\n\nb\n \n", "Line 2, 4 are blank"),
        ("a\n\n", "Line 2 is blank"),
        ("\n" * 9, "Line 1, 2, 3, 4, 5, ... are blank"),
        (b"a\n\xff\n", "Line 2 is not UTF-8"),
    ],
)
def test_a_line_that_would_have_no_vector_is_refused_by_its_number(
    piped: str | bytes, words: str
) -> None:
    assert str(error_of(piped)) == words


def test_a_blank_argument_is_refused_too() -> None:
    done = CliRunner().invoke(embed.command, ["./none.gguf", "a", ""])
    assert str(done.exception) == "Text 2 is blank"


def test_a_line_is_what_files_call_one() -> None:
    assert embed._lines("a\x0bb\u2028c\r\nd".encode()) == ("a\x0bb\u2028c", "d")


def test_a_model_that_writes_is_refused_before_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))
    done = CliRunner().invoke(embed.command, ["starter", "a"])
    assert isinstance(done.exception, CannotEmbedError)
    assert not (tmp_path / "home").exists()
