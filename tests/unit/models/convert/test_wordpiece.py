"""WordPiece in the engine's form, and what of a BertModel is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from gguf import PoolingType

from stoker.core.errors import ModelFileError, ModelFileGarbageError, UnsupportedModelError
from stoker.models.checkpoint.documents import Folder
from stoker.models.convert.bert import read_pooling
from stoker.models.convert.convert import convert
from stoker.models.convert.wordpiece import WordPiece, marked, read_wordpiece

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cat", "##s"]


def put(path: Path, name: str, document: Any) -> None:
    (path / name).parent.mkdir(exist_ok=True)
    (path / name).write_text(json.dumps(document))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return Folder(tmp_path)


def read(folder: Folder, size: int = 8) -> WordPiece:
    return read_wordpiece(folder, size)


def test_words_are_marked_at_their_beginning() -> None:
    words = ("cat", "##s", "[CLS]", "##", "[", "[]")
    assert [marked(word) for word in words] == ["▁cat", "s", "[CLS]", "▁##", "▁[", "▁[]"]


def test_the_vocabulary_is_read_and_filled_up(folder: Folder) -> None:
    got = read(folder)
    assert got.tokens == [*WORDS[:5], "▁cat", "s", "[PAD7]"]
    assert (got.lowercase, got.strip_accents) == (True, True)


def test_the_tokenizers_own_document_comes_first(folder: Folder) -> None:
    vocab = {word: number for number, word in enumerate([*WORDS[:5], "dog"])}
    normalizer = {"type": "BertNormalizer", "lowercase": False, "strip_accents": None}
    document = {"model": {"type": "WordPiece", "vocab": vocab}, "normalizer": normalizer}
    put(folder.path, "tokenizer.json", document)
    got = read(folder, 6)
    assert got.tokens[-1] == "▁dog"
    assert (got.lowercase, got.strip_accents) == (False, False)


def test_two_words_with_one_number_are_refused(folder: Folder) -> None:
    vocab = {word: number for number, word in enumerate([*WORDS[:5], "dog"])} | {"cat": 5}
    put(folder.path, "tokenizer.json", {"model": {"type": "WordPiece", "vocab": vocab}})
    with pytest.raises(ModelFileGarbageError, match="number 5 to two tokens"):
        read(folder, 8)


def test_capitals_and_accents_are_two_things(folder: Folder) -> None:
    settings = {"do_lower_case": True, "strip_accents": False}
    put(folder.path, "tokenizer_config.json", settings)
    got = read(folder)
    assert (got.lowercase, got.strip_accents) == (True, False)


@pytest.mark.parametrize(
    ("words", "size", "kind", "message"),
    [
        (WORDS, 6, ModelFileGarbageError, "7 tokens, where config.json has 6"),
        (WORDS[1:], 8, UnsupportedModelError, r"lacks \[PAD\]"),
        ([*WORDS, "s", "##s"], 9, ModelFileGarbageError, "one token under two numbers"),
    ],
)
def test_a_vocabulary_that_cannot_be_is_named(
    folder: Folder, words: list[str], size: int, kind: type[ModelFileError], message: str
) -> None:
    (folder.path / "vocab.txt").write_text("\n".join(words))
    with pytest.raises(kind, match=message):
        read(folder, size)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"model": {"type": "Unigram"}}, "needs a WordPiece"),
        ({"model": {"type": "WordPiece", "continuing_subword_prefix": "@@"}}, "##"),
        ({"normalizer": {"type": "Lowercase"}}, "Lowercase"),
        ({"normalizer": {"type": "BertNormalizer", "clean_text": False}}, "clean_text"),
    ],
)
def test_what_the_engine_would_change_otherwise_is_named(
    folder: Folder, document: dict[str, Any], words: str
) -> None:
    put(folder.path, "tokenizer.json", document)
    with pytest.raises(UnsupportedModelError, match=words):
        read(folder)


def test_pooling_is_the_mean_unless_it_is_said(folder: Folder) -> None:
    assert read_pooling(folder) is PoolingType.MEAN
    put(folder.path, "1_Pooling/config.json", {"pooling_mode_lasttoken": True})
    assert read_pooling(folder) is PoolingType.LAST


@pytest.mark.parametrize(
    "said", [{"pooling_mode_max_tokens": True}, {}, {"pooling_mode_mean_tokens": 1}]
)
def test_pooling_that_the_engine_lacks_is_named(folder: Folder, said: dict[str, Any]) -> None:
    put(folder.path, "1_Pooling/config.json", said)
    with pytest.raises(UnsupportedModelError, match="Pooling"):
        read_pooling(folder)


def test_a_module_behind_the_pooling_is_refused(folder: Folder) -> None:
    put(folder.path, "modules.json", [{"type": "sentence_transformers.models.Dense"}])
    with pytest.raises(UnsupportedModelError, match="Dense"):
        read_pooling(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hidden_act": "relu"}, "relu"),
        ({"position_embedding_type": "relative_key"}, "relative"),
        ({"is_decoder": True}, "decoder"),
        ({"hidden_size": 62}, "num_attention_heads"),
        ({"layer_norm_eps": 2}, "layer_norm_eps"),
        ({"num_hidden_layers": 1 << 30}, "over 4096 layers"),
        ({"vocab_size": 1 << 30}, "over 4096 layers"),
        ({"max_position_embeddings": None}, "max_position_embeddings"),
    ],
)
def test_a_bert_that_the_engine_would_compute_otherwise_is_named(
    folder: Folder, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    config = {
        "architectures": ["BertModel"],
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_attention_heads": 4,
        "num_hidden_layers": 1,
        "max_position_embeddings": 32,
        "vocab_size": 8,
    }
    put(folder.path, "config.json", config | changes)
    (folder.path / "model.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    with pytest.raises(ModelFileError, match=words):
        convert(folder.path, tmp_path / "out.gguf")
