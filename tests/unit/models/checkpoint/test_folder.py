"""A folder on this machine as one model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stoker.core.errors import ModelFileMissingError, SourceUnsafeError
from stoker.core.model import Task
from stoker.models.checkpoint.folder import read_checkpoint
from stoker.testing.checkpoints import write_decoder


def test_a_folders_facts_are_what_was_written(tmp_path: Path) -> None:
    facts = read_checkpoint(write_decoder(tmp_path / "Tiny"))
    assert (facts.name, facts.architecture, facts.task) == ("Tiny", "qwen2", Task.GENERATE)
    assert (facts.tokenizer, facts.tokenizer_pre) == ("gpt2", "qwen2")
    assert (facts.container, facts.quantization, facts.parts) == ("safetensors", "F16", 1)
    assert facts.chat_template
    assert facts.digest is None


def test_a_tokenizer_that_the_engine_has_no_name_for_is_no_error_here(tmp_path: Path) -> None:
    folder = write_decoder(tmp_path)
    document = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(document | {"pre_tokenizer": None}))
    facts = read_checkpoint(folder)
    assert (facts.tokenizer, facts.tokenizer_pre) == ("gpt2", "")


def test_a_sentencepiece_file_alone_is_told(tmp_path: Path) -> None:
    folder = write_decoder(tmp_path)
    (folder / "tokenizer.json").rename(folder / "tokenizer.model")
    assert read_checkpoint(folder).tokenizer == "llama"


def test_a_pooled_decoder_makes_embeddings(tmp_path: Path) -> None:
    folder = write_decoder(tmp_path)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text("{}")
    assert read_checkpoint(folder).task is Task.EMBED


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileMissingError, match="no folder"):
        read_checkpoint(tmp_path / "nothing")
    with pytest.raises(ModelFileMissingError, match=r"config\.json"):
        read_checkpoint(tmp_path)


def test_a_template_that_leads_to_somebodys_secret_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    folder = write_decoder(tmp_path / "model")
    (folder / "chat_template.jinja").symlink_to(secret)
    with pytest.raises(SourceUnsafeError):
        read_checkpoint(folder)


def test_the_licence_is_that_of_the_model_card(tmp_path: Path) -> None:
    folder = write_decoder(tmp_path)
    assert read_checkpoint(folder).licence == ""
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Tiny\n")
    assert read_checkpoint(folder).licence == "apache-2.0"
