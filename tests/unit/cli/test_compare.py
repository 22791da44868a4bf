"""What `stoker compare` refuses before it starts anything, and how it tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from stoker.cli.compare import _say_what_follows, command
from stoker.core.errors import (
    InvalidRequestError,
    StokerError,
    TextTooShortError,
    UnsupportedModelError,
)
from stoker.testing.synthetic import write_model
from support.compared import kept, model

TASK = '{"prompt": "2 + 2?", "expected": "4"}\n'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Path("good.jsonl").write_text(TASK)
    Path("bad.jsonl").write_text(TASK + "\n" + '{"prompt": "x"}\n')
    Path("short.txt").write_text("short")
    return tmp_path / "home"


@pytest.fixture
def tiny() -> str:
    return str(write_model(Path("tiny.gguf")))


def refusal(*arguments: str) -> StokerError | click.UsageError:
    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    assert isinstance(result.exception, StokerError | click.UsageError)
    assert result.stdout == ""
    return result.exception


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (["starter", "--tasks", "bad.jsonl"], InvalidRequestError, "Line 3 of the tasks"),
        (["starter", "--tasks", "none.jsonl"], InvalidRequestError, "cannot be read"),
        (["starter", "--text", "short.txt"], TextTooShortError, "too short"),
        (["starter", "--text", "bad.jsonl"], InvalidRequestError, "Line 3"),
        (["starter", "--quants", "q9_9"], InvalidRequestError, "no type q9_9"),
        (["starter", "--quants", "q4_k_m"], UnsupportedModelError, "native"),
        (["starter", "--quants", "f16"], InvalidRequestError, "nothing to compare"),
        (["starter", "--quants", " , "], InvalidRequestError, "nothing to compare"),
        (["starter", "starter"], InvalidRequestError, "twice"),
        (["starter", "--plot", "x.png"], InvalidRequestError, "no name for a picture"),
        (["starter", "--plot", "none/x.svg"], InvalidRequestError, "no folder"),
        (["starter", "--ctx", "4096"], InvalidRequestError, "trained for a context of 1024"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_starts(
    arguments: list[str], kind: type[StokerError], words: str, home: Path
) -> None:
    error = refusal(*arguments)
    assert isinstance(error, kind)
    assert words in error.message
    assert not home.exists()


def test_a_type_above_the_models_own_is_refused(tiny: str) -> None:
    error = refusal(tiny, "--quants", "f16", "--tasks", "good.jsonl")
    assert "tiny is Q8_0 already" in error.message


def test_without_tasks_and_text_there_is_nothing_to_draw(tiny: str) -> None:
    error = refusal(tiny, "--quants", "q4_0", "--plot", "x.svg")
    assert isinstance(error, StokerError)
    assert "nothing to draw" in error.message
    assert "--tasks" in error.hint


def test_an_embedding_model_is_refused() -> None:
    path = write_model(Path("embeds.gguf"), "tiny_embed")
    assert "makes embeddings" in refusal(str(path), "--tasks", "good.jsonl").message


def test_several_models_and_smaller_types_are_two_questions(tiny: str) -> None:
    assert "for one MODEL" in refusal("starter", tiny, "--quants", "q4_0").message


def followed(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    _say_what_follows(*arguments)
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_one_line_says_what_plans_and_advice_make_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    mine = Path("my tasks.jsonl")
    assert followed(capsys, kept(), ("./shop file.gguf",), mine) == (
        "kept: `stoker plan './shop file.gguf'` now says what Q4_0 lost here, not what was "
        "published; `stoker advise --tasks 'my tasks.jsonl'` counts these answers\n"
    )
    assert followed(capsys, kept(), ("starter",), None) == (
        "kept: `stoker plan starter` now says what Q4_0 lost here, not what was published\n"
    )


def test_of_different_models_only_the_answers_follow(capsys: pytest.CaptureFixture[str]) -> None:
    both = kept(model("F16", "a"), model("Q4_0", "b", kin=False, made=False))
    told = followed(capsys, both, ("a", "b"), Path("mine.jsonl"))
    assert told == "kept: `stoker advise --tasks mine.jsonl` counts these answers\n"
    assert followed(capsys, both, ("a", "b"), None) == ""


def test_help_has_examples() -> None:
    assert "stoker compare starter" in CliRunner().invoke(command, ["--help"]).stdout
