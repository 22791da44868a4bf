r"""What a `tokenizer.json` describes: its kind, and the engine's name for how it splits text.

Pure. The engine has the ways of splitting in its code, under names; a name is given only where the
document's steps are the very ones that the engine takes. Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stoker.core.errors import UnsupportedModelError

_STEPS_MAX = 16
_WORDS = r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_GPT2 = rf"'s|'t|'re|'ve|'m|'ll|'d|{_WORDS}"
_ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_SIGNS = rf" ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACES}"
_LLAMA3 = rf"{_ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}|{_SIGNS}"
_QWEN2 = rf"{_ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|{_SIGNS}"
_QWEN35 = (
    rf"{_ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}"
    rf"| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{_SPACES}"
)
_TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    rf"|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_SPACES}"
)
_DIGITS = "single digits"
_BYTES = "bytes"

# The steps, and whether a word that is a token is taken whole (`ignore_merges`): the engine's name.
_NAMES = {
    ((_GPT2, _BYTES), False): "gpt-2",
    ((_DIGITS, _GPT2, _BYTES), False): "smollm",
    ((_LLAMA3, _BYTES), True): "llama-bpe",
    ((_LLAMA3, _BYTES), False): "smaug-bpe",
    ((_QWEN2, _BYTES), False): "qwen2",
    ((_QWEN35, _BYTES), False): "qwen35",
    ((_TEKKEN, _BYTES), True): "tekken",
}
SPLITS = tuple(_NAMES.values())
# Where the engine's own words for a way of splitting are not quite the document's.
APPROXIMATE = {
    "tekken": "the engine splits words with capitals beyond A to Z, or with combining marks, "
    "a little differently from the model's own tokenizer"
}


def kind_of(document: Mapping[str, Any]) -> str:
    """The kind of tokenizer, as GGUF names it, empty where it has no name.

    `gpt2` is byte-level BPE, `bert` WordPiece, `llama` SentencePiece's BPE, `t5` its unigrams.
    """
    model = _object(document.get("model"))
    match model.get("type"):
        case "WordPiece":
            return "bert"
        case "Unigram":
            return "t5"
        case "BPE" | None if "merges" in model:
            return "llama" if model.get("byte_fallback") or not _is_bytes(document) else "gpt2"
    return ""


def split_of(document: Mapping[str, Any]) -> str:
    """The engine's name for how the document's byte-level BPE splits text.

    Raises:
        UnsupportedModelError: the engine has no name for it.
    """
    steps = _steps(document.get("pre_tokenizer"))
    whole = _object(document.get("model")).get("ignore_merges") is True
    name = _NAMES.get((tuple(steps), whole))
    if name is None:
        shown = ", ".join(f"`{step}`" for step in steps) or "nothing"
        merges = " and takes known words whole" if whole else ""
        raise UnsupportedModelError(
            f"The engine has no name for a tokenizer that splits by {shown[:400]}{merges}",
            hint=f"known are {', '.join(SPLITS)}; fetch this model as a .gguf file.",
        )
    return name


def _is_bytes(document: Mapping[str, Any]) -> bool:
    """Whether the decoder, or the last of its steps, turns printable signs back into bytes."""
    decoder = _object(document.get("decoder"))
    parts = decoder.get("decoders") if decoder.get("type") == "Sequence" else [decoder]
    return isinstance(parts, list) and any(
        _object(part).get("type") == "ByteLevel" for part in parts
    )


def _steps(said: Any) -> list[str]:
    """The steps one after the other, each as a regular expression or a word of ours."""
    said = _object(said)
    kind = said.get("type")
    if kind == "Sequence" and isinstance(said.get("pretokenizers"), list):
        return [step for one in said["pretokenizers"][:_STEPS_MAX] for step in _steps(one)]
    if kind == "ByteLevel":
        return _byte_level(said)
    if kind == "Digits" and said.get("individual_digits") is True:
        return [_DIGITS]
    if kind == "Split":
        return [_pattern(said)]
    return [f"{kind}"] if kind else []


def _byte_level(said: Mapping[str, Any]) -> list[str]:
    if said.get("add_prefix_space") is True:
        return ["a space before the text"]
    # Files that are older than the field mean that it is on.
    return [_BYTES] if said.get("use_regex") is False else [_GPT2, _BYTES]


def _pattern(said: Mapping[str, Any]) -> str:
    """The expression that finds pieces; all of the text is in one, so both forms are the same."""
    found = _object(said.get("pattern")).get("Regex")
    form = (said.get("behavior"), said.get("invert"))
    if not isinstance(found, str) or form not in {("Isolated", False), ("Removed", True)}:
        return f"Split {form[0]}"
    return found.replace("\r", r"\r").replace("\n", r"\n")


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
