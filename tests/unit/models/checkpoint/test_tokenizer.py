"""What a tokenizer.json is, and that the engine's name for it is given only where it fits."""

from __future__ import annotations

from typing import Any

import pytest

from stoker.core.errors import UnsupportedModelError
from stoker.models.checkpoint.tokenizer import kind_of, split_of
from stoker.testing.checkpoints import QWEN2_SPLIT, split, tokenizer

BYTES = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}


def with_steps(pre_tokenizer: Any, **model: Any) -> dict[str, Any]:
    document = tokenizer()
    document["pre_tokenizer"] = pre_tokenizer
    document["model"] |= model
    return document


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (tokenizer(), "gpt2"),
        (tokenizer() | {"decoder": {"type": "Sequence", "decoders": [{"type": "Fuse"}]}}, "llama"),
        ({"model": {"type": "WordPiece", "vocab": {}}}, "bert"),
        ({"model": {"type": "Unigram", "vocab": []}}, "t5"),
        ({"model": {"type": "WordLevel"}}, ""),
        ({"model": [1]}, ""),
        ({}, ""),
    ],
)
def test_the_kind_has_ggufs_name(document: dict[str, Any], kind: str) -> None:
    assert kind_of(document) == kind


def test_sentencepiece_in_the_form_of_bpe_is_told_from_bytes() -> None:
    document = tokenizer()
    document["model"]["byte_fallback"] = True
    assert kind_of(document) == "llama"


@pytest.mark.parametrize(
    "pre_tokenizer",
    [
        split(QWEN2_SPLIT),
        split(QWEN2_SPLIT.replace(r"\r", "\r").replace(r"\n", "\n")),
        {
            "type": "Sequence",
            "pretokenizers": [
                {
                    "type": "Split",
                    "pattern": {"Regex": QWEN2_SPLIT},
                    "behavior": "Removed",
                    "invert": True,
                },
                {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
            ],
        },
    ],
    ids=["as it is", "with real line ends", "said the other way round"],
)
def test_one_way_of_splitting_has_one_name_however_it_is_written(pre_tokenizer: Any) -> None:
    assert split_of(with_steps(pre_tokenizer)) == "qwen2"


def test_a_field_that_older_files_lack_means_what_it_meant_then() -> None:
    older = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    assert split_of(with_steps(older)) == "gpt-2"


@pytest.mark.parametrize(
    ("pre_tokenizer", "model", "words"),
    [
        (split(QWEN2_SPLIT + "|x"), {}, r"\|x`"),
        (split(QWEN2_SPLIT), {"ignore_merges": True}, "takes known words whole"),
        (BYTES | {"add_prefix_space": True}, {}, "a space before the text"),
        ({"type": "Metaspace"}, {}, "Metaspace"),
        ({"type": "Digits", "individual_digits": False}, {}, "Digits"),
        ({"type": "Split", "pattern": {"String": " "}, "behavior": "Isolated"}, {}, "Split"),
        ({"type": "Sequence", "pretokenizers": [BYTES, BYTES]}, {}, "bytes"),
        (None, {}, "nothing"),
        ([1], {}, "nothing"),
    ],
)
def test_an_unknown_way_of_splitting_is_refused_by_name(
    pre_tokenizer: Any, model: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnsupportedModelError, match=words) as caught:
        split_of(with_steps(pre_tokenizer, **model))
    assert "qwen2" in caught.value.hint
    assert ".gguf" in caught.value.hint
