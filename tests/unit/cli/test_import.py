"""What `stoker import` prints, and where it writes."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stoker.core.errors import InvalidRequestError
from stoker.models.facts import read_facts
from stoker.testing.checkpoints import write_decoder

command = import_module("stoker.cli.import_").command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_decoder(tmp_path / "Tiny", "MistralForCausalLM", sliding_window=64)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_the_file_is_named_after_the_folder_and_its_type(folder: Path, tmp_path: Path) -> None:
    result = call(str(folder))
    assert result.stdout.startswith(f"{tmp_path / 'Tiny-f16.gguf'}: ")
    assert "note: the context is 64 tokens" in result.stderr
    assert read_facts(tmp_path / "Tiny-f16.gguf").quantization == "F16"


def test_json_says_what_was_made(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.gguf"
    result = call(str(folder), "--type", "bf16", "--out", str(out), "--as", "mine", "--json")
    document = json.loads(result.stdout)
    notes = document.pop("notes")
    assert document == {"file": str(out), "bytes": out.stat().st_size, "architecture": "llama"}
    assert "64 tokens" in notes[0]
    assert read_facts(out).name == "mine"


def test_a_place_that_is_not_there_is_said_in_a_line(folder: Path) -> None:
    with pytest.raises(InvalidRequestError, match="no folder"):
        call(str(folder), "--out", "nowhere/out.gguf")


def test_help_shows_examples_and_what_can_be_taken() -> None:
    shown = call("--help").stdout
    assert "stoker import ./Qwen3-0.6B" in shown
    assert all(name in shown for name in ("Llama", "Mistral", "Qwen2", "Qwen3", "BERT"))
