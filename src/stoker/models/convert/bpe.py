"""Byte-level BPE: tokens, merges and special tokens from a folder's tokenizer files.

Owns which token has which number and type, and what is put around a text. How the text is split
before is `stoker.models.checkpoint.tokenizer`'s; nothing is guessed there or here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gguf import GGUFWriter, TokenType

from stoker.core.errors import ModelFileError, UnsupportedModelError
from stoker.models.checkpoint.documents import TOKENIZER_BYTES_MAX, Folder, garbage
from stoker.models.checkpoint.tokenizer import APPROXIMATE, kind_of, split_of
from stoker.models.convert.specials import Specials, read_specials
from stoker.models.convert.surroundings import read_surroundings

_FILE = "tokenizer.json"
_NORMALIZERS = frozenset({"NFC", "Sequence", None})
_KINDS = {"llama": "SentencePiece's BPE", "t5": "unigrams", "bert": "WordPiece"}
_STRIPS = ("lstrip", "rstrip", "single_word")
_NFC = "the engine takes text as it is written; the model's own tokenizer would compose marks first"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All that the engine needs to make tokens: `types` and `tokens` by number."""

    tokens: list[str]
    types: list[TokenType]
    merges: list[str]
    split: str
    specials: Specials
    notes: tuple[str, ...]


def read_vocabulary(folder: Folder, config: Mapping[str, Any], size: int) -> Vocabulary:
    """The vocabulary of the model in `folder`, whose embedding has `size` rows.

    Raises:
        UnsupportedModelError: the tokenizer is of another kind, or the engine would make other
            tokens than it; the message names the reason.
        ModelFileGarbageError: the files contradict each other.
    """
    document = folder.object(_FILE, TOKENIZER_BYTES_MAX)
    _check_kind(document)
    split = split_of(document)
    model = document["model"]
    tokens, types = _tokens(model, document.get("added_tokens"), size)
    numbers = {token: number for number, token in enumerate(tokens)}
    if len(numbers) != len(tokens):
        raise garbage(f"{_FILE}: has one token under two numbers")
    specials = read_specials(folder, config, numbers)
    around = read_surroundings(folder, document, tokens, specials)
    notes = [APPROXIMATE[split]] if split in APPROXIMATE else []
    notes += [_NFC] if _composes(document.get("normalizer")) else []
    return Vocabulary(
        tokens,
        types,
        list(_merges(model, numbers)),
        split,
        around,
        (*notes, *specials.notes),
    )


def describe(writer: GGUFWriter, vocabulary: Vocabulary) -> None:
    """Add the vocabulary to a file's metadata."""
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(vocabulary.split)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    vocabulary.specials.describe(writer)


def _check_kind(document: Mapping[str, Any]) -> None:
    if not document:
        raise UnsupportedModelError(
            f"There is no {_FILE}",
            hint="a SentencePiece vocabulary alone is not supported; save the model with its fast"
            " tokenizer, or fetch it as a .gguf file.",
        )
    kind = kind_of(document)
    if kind != "gpt2":
        name = _KINDS.get(kind, "of an unknown kind")
        raise UnsupportedModelError(
            f"A decoder whose tokenizer is {name} is not supported",
            hint="Stoker converts byte-level BPE; fetch this model as a .gguf file.",
        )
    normalizer = document.get("normalizer")
    for change in _kinds(normalizer):
        if change not in _NORMALIZERS:
            raise UnsupportedModelError(
                f"A tokenizer that changes text by {change} is not supported"
            )
    model = document["model"]
    for name in ("continuing_subword_prefix", "end_of_word_suffix"):
        if model.get(name):
            raise UnsupportedModelError(f"A tokenizer with {name} is not supported")


def _kinds(normalizer: Any) -> Iterator[str | None]:
    if isinstance(normalizer, dict):
        yield normalizer.get("type")
        parts = normalizer.get("normalizers")
        for part in parts if isinstance(parts, list) else ():
            yield from _kinds(part)


def _composes(normalizer: Any) -> bool:
    return "NFC" in _kinds(normalizer)


def _tokens(model: Mapping[str, Any], added: Any, size: int) -> tuple[list[str], list[TokenType]]:
    """Token and type of each number; numbers that no token has get a name of their own."""
    tokens = [f"[PAD{number}]" for number in range(size)]
    types = [TokenType.UNUSED] * size
    for token, number in _pairs(model.get("vocab"), size):
        if types[number] is not TokenType.UNUSED:
            raise garbage(f"{_FILE}: gives the number {number} to two tokens")
        tokens[number], types[number] = token, TokenType.NORMAL
    for token, number, kind in _added(added, size):
        if types[number] is not TokenType.UNUSED and tokens[number] != token:
            raise garbage(f"{_FILE}: gives the number {number} to two tokens")
        tokens[number], types[number] = token, kind
    return tokens, types


def _pairs(vocab: Any, size: int) -> Iterator[tuple[str, int]]:
    if not isinstance(vocab, dict) or not vocab:
        raise garbage(f"{_FILE}: has no vocabulary")
    for token, number in vocab.items():
        yield _checked(token, number, size)


def _added(added: Any, size: int) -> Iterator[tuple[str, int, TokenType]]:
    for one in added if isinstance(added, list) else ():
        if not isinstance(one, dict):
            raise garbage(f"{_FILE}: has an added token that is no object")
        token, number = _checked(one.get("content"), one.get("id"), size)
        for name in _STRIPS:
            if one.get(name) is True:
                raise UnsupportedModelError(
                    f"The added token {token!r} with {name} is not supported"
                )
        control = one.get("special") is True
        yield token, number, TokenType.CONTROL if control else TokenType.USER_DEFINED


def _checked(token: Any, number: Any, size: int) -> tuple[str, int]:
    if not isinstance(token, str) or type(number) is not int:
        raise garbage(f"{_FILE}: has a token without a number")
    if not 0 <= number < size:
        raise garbage(f"{_FILE}: has the token number {number}; the model has {size}")
    try:
        token.encode()
    except UnicodeEncodeError:
        raise garbage(f"{_FILE}: has a token that is not valid Unicode") from None
    return token, number


def _merges(model: Mapping[str, Any], numbers: Mapping[str, int]) -> Iterator[str]:
    """The merges in the engine's form, two tokens with a space between."""
    said = model.get("merges")
    if not isinstance(said, list) or not said:
        raise garbage(f"{_FILE}: has no merges")
    for merge in said:
        parts = merge.split(" ") if isinstance(merge, str) else merge
        if not _is_pair(parts):
            raise _bad_merge(merge)
        if not {parts[0], parts[1], parts[0] + parts[1]} <= numbers.keys():
            raise _bad_merge(merge)
        yield f"{parts[0]} {parts[1]}"


def _is_pair(parts: Any) -> bool:
    return (
        isinstance(parts, list)
        and len(parts) == 2
        and all(isinstance(part, str) and part and " " not in part for part in parts)
    )


def _bad_merge(merge: Any) -> ModelFileError:
    return garbage(f"{_FILE}: has the merge {str(merge)[:80]!r}, which makes no token")
