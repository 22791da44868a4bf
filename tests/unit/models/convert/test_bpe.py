"""Tokens, merges and special tokens of byte-level BPE."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from gguf import TokenType

from stoker.core.errors import ModelFileError, ModelFileGarbageError, UnsupportedModelError
from stoker.models.checkpoint.documents import Folder
from stoker.models.convert.bpe import Vocabulary, read_vocabulary
from stoker.testing.checkpoints import END, START, tokenizer

SIZE = 262


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    put(tmp_path, "tokenizer.json", tokenizer())
    put(tmp_path, "tokenizer_config.json", {"eos_token": END, "bos_token": START})
    return Folder(tmp_path)


def put(path: Path, name: str, document: Any) -> None:
    (path / name).write_text(json.dumps(document))


def document(folder: Folder, **changes: Any) -> None:
    put(folder.path, "tokenizer.json", tokenizer() | changes)


def model(folder: Folder, **changes: Any) -> None:
    document(folder, model=tokenizer()["model"] | changes)


def read(folder: Folder, config: dict[str, Any] | None = None) -> Vocabulary:
    return read_vocabulary(folder, config or {}, SIZE)


def test_every_number_has_a_token_and_a_type(folder: Folder) -> None:
    got = read(folder)
    assert len(got.tokens) == len(got.types) == SIZE
    assert got.tokens[256:] == ["~~", START, END, "[PAD259]", "[PAD260]", "[PAD261]"]
    assert got.types[256:260] == [
        TokenType.NORMAL,
        TokenType.CONTROL,
        TokenType.CONTROL,
        TokenType.UNUSED,
    ]
    assert got.split == "qwen2"
    assert got.notes == ()


def test_merges_are_read_in_both_their_forms(folder: Folder) -> None:
    assert read(folder).merges == ["~ ~"]
    model(folder, merges=["~ ~"])
    assert read(folder).merges == ["~ ~"]


def test_added_tokens_that_are_not_special_are_the_users_own(folder: Folder) -> None:
    added = [{"id": 257, "content": START, "special": False}, {"id": 258, "content": END}]
    document(folder, added_tokens=added)
    assert read(folder).types[257:259] == [TokenType.USER_DEFINED] * 2


def test_an_added_token_may_be_in_the_vocabulary_too(folder: Folder) -> None:
    added = tokenizer()["added_tokens"]
    vocab = tokenizer()["model"]["vocab"] | {one["content"]: one["id"] for one in added}
    model(folder, vocab=vocab)
    assert read(folder).types[257] is TokenType.CONTROL


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"merges": [["~", "q~"]]}, "makes no token"),
        ({"merges": ["~ ~ ~"]}, "makes no token"),
        ({"merges": ["~"]}, "makes no token"),
        ({"merges": [7]}, "makes no token"),
        ({"merges": [["~", 7]]}, "makes no token"),
        ({"merges": []}, "no merges"),
        ({"vocab": {}}, "no vocabulary"),
        ({"vocab": [1]}, "no vocabulary"),
        ({"vocab": {"a": 0, "b": 0}}, "number 0 to two tokens"),
        ({"vocab": {"a": SIZE}}, f"number {SIZE}; the model has {SIZE}"),
        ({"vocab": {"a": -1}}, "number -1"),
        ({"vocab": {"a": True}}, "without a number"),
        ({"vocab": {"a": 1.5}}, "without a number"),
        ({"vocab": {"\ud800": 1}}, "not valid Unicode"),
        ({"vocab": {"[PAD5]": 4}}, "one token under two numbers"),
    ],
)
def test_a_vocabulary_that_cannot_be_is_garbage(
    folder: Folder, changes: dict[str, Any], words: str
) -> None:
    model(folder, **changes)
    with pytest.raises(ModelFileGarbageError, match=words):
        read(folder)


@pytest.mark.parametrize(
    "added",
    [[7], [{"id": 257}], [{"id": "257", "content": "x"}], [{"id": 5, "content": "x"}]],
)
def test_added_tokens_that_cannot_be_are_garbage(folder: Folder, added: Any) -> None:
    document(folder, added_tokens=added)
    with pytest.raises(ModelFileGarbageError):
        read(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": {"type": "Unigram", "vocab": []}}, "unigrams"),
        ({"model": {"type": "WordPiece", "vocab": {}}}, "WordPiece"),
        ({"decoder": {"type": "Metaspace"}}, "SentencePiece's BPE"),
        ({"model": {}}, "an unknown kind"),
        ({"normalizer": {"type": "Lowercase"}}, "Lowercase"),
        ({"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend"}]}}, "Prepend"),
        ({"pre_tokenizer": None}, "no name for a tokenizer that splits by nothing"),
        ({"post_processor": {"type": "RobertaProcessing"}}, "RobertaProcessing"),
        ({"added_tokens": [{"id": 257, "content": "x", "lstrip": True}]}, "'x' with lstrip"),
    ],
)
def test_what_the_engine_would_cut_otherwise_is_named(
    folder: Folder, changes: dict[str, Any], words: str
) -> None:
    document(folder, **changes)
    with pytest.raises(UnsupportedModelError, match=words):
        read(folder)


def test_a_sentencepiece_file_alone_is_refused_with_what_to_do(folder: Folder) -> None:
    (folder.path / "tokenizer.json").rename(folder.path / "tokenizer.model")
    with pytest.raises(UnsupportedModelError, match=r"no tokenizer\.json") as caught:
        read(folder)
    assert "SentencePiece" in caught.value.hint


def test_composing_first_is_said_and_no_hindrance(folder: Folder) -> None:
    document(folder, normalizer={"type": "NFC"})
    assert "compose marks" in read(folder).notes[0]


# --- special tokens ------------------------------------------------------------------------------


def specials(folder: Folder, **config: Any) -> dict[str, int]:
    return read(folder, config).specials.numbers


def test_the_tokenizers_word_comes_before_numbers(folder: Folder) -> None:
    found = specials(folder, eos_token_id=[257, 258], bos_token_id=5, pad_token_id=6)
    assert found == {"bos": 257, "pad": 6, "eos": 258, "eot": 257}


def test_a_token_may_be_named_by_an_object(folder: Folder) -> None:
    put(folder.path, "tokenizer_config.json", {"eos_token": {"content": END}, "bos_token": None})
    assert specials(folder) == {"eos": 258}


def test_ends_are_gathered_from_all_documents(folder: Folder) -> None:
    put(folder.path, "generation_config.json", {"eos_token_id": [257, 1]})
    assert specials(folder, eos_token_id=2) == {"bos": 257, "eos": 258, "eot": 257, "eom": 1}
    notes = read(folder, {"eos_token_id": 2}).notes
    assert "not among them: 2" in notes[0]


def test_a_folder_that_names_no_end_is_refused(folder: Folder) -> None:
    put(folder.path, "tokenizer_config.json", {"bos_token": START})
    with pytest.raises(UnsupportedModelError, match="ends an answer"):
        read(folder)


@pytest.mark.parametrize(
    ("settings", "config"),
    [({"eos_token": "<nobody>"}, {}), ({}, {"eos_token_id": SIZE})],
)
def test_an_end_that_is_no_token_is_garbage(
    folder: Folder, settings: dict[str, Any], config: dict[str, Any]
) -> None:
    put(folder.path, "tokenizer_config.json", settings)
    with pytest.raises(ModelFileGarbageError, match="eos token"):
        read(folder, config)


def test_fill_that_is_no_token_is_no_hindrance(folder: Folder) -> None:
    put(folder.path, "tokenizer_config.json", {"eos_token": END, "pad_token": "<nobody>"})
    assert specials(folder, pad_token_id=-1) == {"eos": 258}


def template(*parts: str) -> dict[str, Any]:
    single = [
        {"Sequence": {"id": "A"}} if part == "A" else {"SpecialToken": {"id": part}}
        for part in parts
    ]
    return {"type": "TemplateProcessing", "single": single}


@pytest.mark.parametrize(
    ("post_processor", "settings", "around"),
    [
        (None, {}, (False, False)),
        ({"type": "ByteLevel"}, {}, (False, False)),
        (template(START, "A"), {}, (True, False)),
        (template(START, "A", END), {}, (True, True)),
        (template("A"), {"add_bos_token": True}, (True, False)),
        (template(START, "A"), {"add_bos_token": False}, (False, False)),
        (
            {"type": "Sequence", "processors": [{"type": "ByteLevel"}, template(START, "A")]},
            {},
            (True, False),
        ),
    ],
)
def test_what_is_put_around_a_text_is_read(
    folder: Folder, post_processor: Any, settings: dict[str, Any], around: tuple[bool, bool]
) -> None:
    document(folder, post_processor=post_processor)
    named = {"eos_token": END, "bos_token": START}
    put(folder.path, "tokenizer_config.json", named | settings)
    found = read(folder).specials
    assert (found.add_bos, found.add_eos) == around


@pytest.mark.parametrize("parts", [("~~", "A"), (START, START, "A"), ("A", START), (END, "A")])
def test_anything_else_around_a_text_is_refused(folder: Folder, parts: tuple[str, ...]) -> None:
    document(folder, post_processor=template(*parts))
    with pytest.raises(UnsupportedModelError, match="adds"):
        read(folder)


def test_a_beginning_that_is_added_and_not_named_is_garbage(folder: Folder) -> None:
    put(folder.path, "tokenizer_config.json", {"eos_token": END, "add_bos_token": True})
    with pytest.raises(ModelFileError, match="bos"):
        read(folder)
