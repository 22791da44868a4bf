"""What a model is, told from its header."""

from pathlib import Path

import pytest

from stoker.core.errors import ModelFileGarbageError, VocabularyOnlyError
from stoker.core.model import Task
from stoker.models.facts import read_facts
from stoker.testing.broken import write_broken
from stoker.testing.synthetic import TINY, write_model


def test_a_models_facts_are_what_was_written(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf")
    facts = read_facts(path)
    assert (facts.architecture, facts.quantization, facts.task) == ("llama", "Q8_0", Task.GENERATE)
    assert (facts.layers, facts.context_length) == (TINY.layers, TINY.context)
    assert (facts.vocabulary, facts.embedding_length) == (TINY.vocabulary, TINY.hidden)
    assert facts.file_bytes == path.stat().st_size
    assert facts.parameters == 1_443_072
    assert facts.chat_template
    assert facts.digest is None


def test_a_pooled_model_makes_embeddings(tmp_path: Path) -> None:
    assert read_facts(write_model(tmp_path / "m.gguf", "tiny_embed")).task is Task.EMBED


def test_a_file_without_tensors_is_a_vocabulary(tmp_path: Path) -> None:
    with pytest.raises(VocabularyOnlyError):
        read_facts(write_broken(tmp_path / "m.gguf", "vocabulary_only"))


def test_a_file_without_an_architecture_is_garbage(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF\x03" + bytes(19))
    with pytest.raises(ModelFileGarbageError):
        read_facts(path)
