"""Model files that are broken on purpose, each in one way; for tests of what is said about them.

Owns the ways. Only those that need a whole model need numpy and gguf (see `synthetic`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from stoker.testing.synthetic import write_model

_STRING, _U32, _F32 = 8, 4, 6


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _preamble(tensors: int, keys: int, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys)


def _text_pair(key: str, value: str) -> bytes:
    return _string(key) + struct.pack("<I", _STRING) + _string(value)


def _vocabulary_only() -> bytes:
    """A header with a model's sizes and its tokenizer, and no tensors."""
    tokens = ("a", "b", "c")
    array = struct.pack("<IIQ", 9, _STRING, len(tokens)) + b"".join(map(_string, tokens))
    sizes = ("context_length", "embedding_length", "block_count", "feed_forward_length")
    pairs = (
        _text_pair("general.architecture", "llama"),
        *(_string(f"llama.{size}") + struct.pack("<II", _U32, 64) for size in sizes),
        _string("llama.attention.head_count") + struct.pack("<II", _U32, 4),
        _string("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", _F32, 1e-5),
        _text_pair("tokenizer.ggml.model", "gpt2"),
        _string("tokenizer.ggml.tokens") + array,
        _string("tokenizer.ggml.merges") + struct.pack("<IIQ", 9, _STRING, 0),
    )
    return _preamble(0, len(pairs)) + b"".join(pairs)


def _missing(path: Path) -> None:
    path.unlink(missing_ok=True)


def _truncated(path: Path) -> None:
    write_model(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _unsupported_architecture(path: Path) -> None:
    write_model(path)
    # The same length, so that every offset stays true.
    path.write_bytes(path.read_bytes().replace(b"llama", b"llamq"))


def _bytes(data: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(data)

    return write


_KINDS: dict[str, Callable[[Path], None]] = {
    "missing": _missing,
    "empty": _bytes(b""),
    "garbage": _bytes(bytes(range(256)) * 64),
    "truncated": _truncated,
    "truncated_header": _bytes(_preamble(1, 1)[:12]),
    "unsupported_architecture": _unsupported_architecture,
    "vocabulary_only": _bytes(_vocabulary_only()),
    "unknown_version": _bytes(_preamble(0, 0, version=99)),
    "too_many_tensors": _bytes(_preamble(1 << 62, 0)),
    "too_many_keys": _bytes(_preamble(0, 1 << 62)),
    "endless_string": _bytes(_preamble(0, 1) + struct.pack("<Q", 1 << 63) + bytes(64)),
}
KINDS = tuple(_KINDS)


def write_broken(path: Path, kind: str) -> Path:
    """Make `path` a file that is broken in the way `kind` (one of `KINDS`), and return `path`.

    Raises:
        KeyError: no such kind.
        RuntimeError: the kind needs a whole model, and numpy or gguf is not installed.
    """
    _KINDS[kind](path)
    return path
