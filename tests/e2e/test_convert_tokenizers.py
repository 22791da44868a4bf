"""Each way of splitting that is mapped to one of the engine's names is that one.

A reference in plain Python splits by the expressions that models of each kind have in their
`tokenizer.json`, and merges bytes; the real engine must make the same tokens. In the vocabulary any
two neighbouring bytes of the texts are a token, so that every boundary shows.
"""

from __future__ import annotations

import random
import re
import sys
import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from stoker.models.checkpoint.tokenizer import SPLITS, split_of
from stoker.models.convert.convert import convert
from stoker.testing.checkpoints import (
    END,
    START,
    byte_tokens,
    decoder_config,
    decoder_tensors,
    split,
    tokenizer,
    write_folder,
)
from stoker.testing.real_engine import real_engine

pytestmark = [pytest.mark.engine, pytest.mark.slow]

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN35 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"
    r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
DIGITS = {"type": "Digits", "individual_digits": True}

# The engine's name: its pre-tokenizer, the expressions one after the other, and whole words.
KINDS: dict[str, tuple[dict[str, Any], tuple[str, ...], bool]] = {
    "gpt-2": (BYTES, (GPT2,), False),
    "smollm": (
        {"type": "Sequence", "pretokenizers": [DIGITS, BYTES]},
        (r"\p{N}", GPT2),
        False,
    ),
    "llama-bpe": (split(LLAMA3), (LLAMA3,), True),
    "smaug-bpe": (split(LLAMA3), (LLAMA3,), False),
    "qwen2": (split(QWEN2), (QWEN2,), False),
    "qwen35": (split(QWEN35), (QWEN35,), False),
    "tekken": (split(TEKKEN), (TEKKEN,), True),
}
ASCII = (
    "The quick brown fox can't jump; WE'LL see it's DON'T 'tis o'clock.",
    "12345678 1,234.5 x86 B2B v1.2.3 007",
    "def f(x):\n    return {'a': [x ** 2 for _ in range(10)]}\n\n\n",
    "  two  spaces   three\t\ttabs \r\n crlf\r\n\r\nend  ",
    "camelCase HTTPServer someURLs A1b2C3 __init__ a/b//c\n/d",
    "!!!??? ... --- (a) [b] {c} <d> #e @f $g %h ^i &j *k",
)
UNICODE = (
    "naïve café Ünïcödé — “quotes” … \u2018single\u2019",
    "日本語テキスト 中文 한국어 русский ελληνικά",
    "digits ٣٤٥ Ⅷ ½ ² and \u00a0 odd \u3000 spaces\u2003",
    "emoji 🚀 👍🏽 flags 🇩🇪",
)
COMPOSED = ("हिन्दी में नमस्ते", "e\u0301 o\u0308 combining")
WORDS = ("Ġquick", "The", "Ġspaces", "Ġjump")


@cache
def signs(category: str) -> str:
    """A class of `re` for the signs of a category of Unicode."""
    found = [
        point
        for point in range(sys.maxunicode + 1)
        if unicodedata.category(chr(point)).startswith(category)
    ]
    ranges: list[list[int]] = []
    for point in found:
        if ranges and point == ranges[-1][1] + 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)


def compiled(pattern: str) -> re.Pattern[str]:
    """The expression with `\\p{...}` written out, alone or in a class."""
    parts = re.split(r"(\[[^\]]*\])", pattern)
    plain = r"\\p\{(\w+)\}"
    for at, part in enumerate(parts):
        form = "{}" if part.startswith("[") else "[{}]"
        parts[at] = re.sub(plain, lambda found, form=form: form.format(signs(found[1])), part)
    return re.compile("".join(parts))


def pieces(text: str, patterns: tuple[str, ...]) -> list[str]:
    """The text cut by each expression in turn; what is between two finds is a piece too."""
    found = [text]
    for pattern in patterns:
        found = [part for one in found for part in cut(one, compiled(pattern)) if part]
    return found


def cut(text: str, pattern: re.Pattern[str]) -> list[str]:
    parts, at = [], 0
    for match in pattern.finditer(text):
        parts += [text[at : match.start()], match[0]]
        at = match.end()
    return [*parts, text[at:]]


def printable(text: str) -> str:
    table = byte_tokens()
    return "".join(table[byte] for byte in text.encode())


def reference(document: dict[str, Any], patterns: tuple[str, ...], text: str) -> list[int]:
    vocab, merges = document["model"]["vocab"], document["model"]["merges"]
    ranks = {(left, right): rank for rank, (left, right) in enumerate(merges)}
    ids = []
    for piece in map(printable, pieces(text, patterns)):
        if document["model"]["ignore_merges"] and piece in vocab:
            ids.append(vocab[piece])
            continue
        word = list(piece)
        while pairs := [pair for pair in pairwise(word) if pair in ranks]:
            best = min(pairs, key=ranks.__getitem__)
            at = next(at for at, pair in enumerate(pairwise(word)) if pair == best)
            word[at : at + 2] = ["".join(best)]
        ids += [vocab[token] for token in word]
    return ids


def texts_of(name: str) -> tuple[str, ...]:
    # Of capitals beyond ASCII and of marks the engine's `tekken` thinks otherwise, which is said.
    return ASCII if name == "tekken" else (*ASCII, *UNICODE, *COMPOSED)


def document_of(name: str) -> dict[str, Any]:
    pre_tokenizer, _, whole = KINDS[name]
    every = "".join((*ASCII, *UNICODE, *COMPOSED))
    merges = sorted(set(pairwise(printable(every))))
    random.Random(7).shuffle(merges)  # noqa: S311 - any order will do
    return tokenizer(merges, pre_tokenizer=pre_tokenizer, words=WORDS, ignore_merges=whole)


def test_every_name_that_is_mapped_is_proven_here() -> None:
    assert set(SPLITS) == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_the_engine_makes_the_tokens_that_the_document_describes(name: str, tmp_path: Path) -> None:
    document = document_of(name)
    assert split_of(document) == name
    size = 256 + len(document["model"]["merges"]) + 32
    config = decoder_config("LlamaForCausalLM", vocab_size=size, num_hidden_layers=1)
    settings = {"eos_token": END, "bos_token": START}
    folder = write_folder(tmp_path, config, decoder_tensors(config), document, settings)
    convert(folder, tmp_path / "out.gguf")
    patterns = KINDS[name][1]
    with real_engine(tmp_path / "out.gguf") as engine:
        for text in texts_of(name):
            assert engine.tokens(text) == reference(document, patterns, text), text
        assert engine.tokens(f"a{END}b", special=True)[1] == document["added_tokens"][1]["id"]
