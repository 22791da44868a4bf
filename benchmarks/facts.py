"""How long the facts of an 8B-class file take, and in how many reads they come from afar.

    python benchmarks/facts.py [--quick]

The file is synthetic and sparse: 128k tokens, 280k merges and 291 tensors of the right shapes, with
nothing in them.
"""

from __future__ import annotations

import asyncio
import struct
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import AT_MOST, Result, Row, main, median
from stoker.models.facts import facts_of, read_facts
from stoker.models.gguf.header import fetch_header

TOKENS, MERGES, LAYERS = 128_256, 280_147, 32
LOCAL_MS_MAX, READS_MAX = 60, 4
_Q4_0, _F32 = 2, 0
_U32, _STRING, _ARRAY = 4, 8, 9


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _number(key: str, value: int) -> bytes:
    return _string(key) + struct.pack("<II", _U32, value)


def _text(key: str, value: str) -> bytes:
    return _string(key) + struct.pack("<I", _STRING) + _string(value)


def _words(key: str, words: Sequence[str]) -> bytes:
    head = struct.pack("<IIQ", _ARRAY, _STRING, len(words))
    return _string(key) + head + b"".join(map(_string, words))


def _pairs(merges: int) -> list[bytes]:
    tokens = [f"{index:x}".rjust(2 + index % 9, "t") for index in range(TOKENS)]
    return [
        _text("general.architecture", "llama"),
        _text("general.name", "Synthetic 8B"),
        _number("llama.block_count", LAYERS),
        _number("llama.context_length", 131_072),
        _number("llama.embedding_length", 4096),
        _number("llama.attention.head_count", 32),
        _number("llama.attention.head_count_kv", 8),
        _text("tokenizer.ggml.model", "gpt2"),
        _words("tokenizer.ggml.tokens", tokens),
        _string("tokenizer.ggml.token_type")
        + struct.pack("<IIQ", _ARRAY, 5, TOKENS)
        + bytes(4 * TOKENS),
        _words("tokenizer.ggml.merges", [f"{tokens[i % TOKENS]} {i:x}" for i in range(merges)]),
        _text("tokenizer.chat_template", "{{ messages }}" * 200),
    ]


def _shapes() -> Iterator[tuple[str, tuple[int, ...], int]]:
    yield "token_embd.weight", (4096, TOKENS), _Q4_0
    yield "output.weight", (4096, TOKENS), _Q4_0
    yield "output_norm.weight", (4096,), _F32
    for layer in range(LAYERS):
        for name, sides in (
            ("attn_q", (4096, 4096)),
            ("attn_k", (4096, 1024)),
            ("attn_v", (4096, 1024)),
            ("attn_output", (4096, 4096)),
            ("ffn_gate", (4096, 14336)),
            ("ffn_up", (4096, 14336)),
            ("ffn_down", (14336, 4096)),
        ):
            yield f"blk.{layer}.{name}.weight", sides, _Q4_0
        for name in ("attn_norm", "ffn_norm"):
            yield f"blk.{layer}.{name}.weight", (4096,), _F32


def write(path: Path, merges: int = MERGES) -> tuple[int, int]:
    """Make the sparse file `path`; the bytes of its header and of all of it."""
    table, offset = [], 0
    for name, sides, kind in _shapes():
        shape = struct.pack(f"<I{len(sides)}Q", len(sides), *sides)
        table.append(_string(name) + shape + struct.pack("<IQ", kind, offset))
        elements = sides[0] * (sides[1] if len(sides) > 1 else 1)
        offset += elements // 32 * 18 if kind == _Q4_0 else elements * 4
    pairs = _pairs(merges)
    data = b"GGUF" + struct.pack("<IQQ", 3, len(table), len(pairs)) + b"".join(pairs + table)
    data += bytes(-len(data) % 32)
    with path.open("wb") as file:
        file.write(data)
        file.truncate(len(data) + offset)
    return len(data), len(data) + offset


def _local_ms(path: Path, rounds: int) -> list[float]:
    taken = []
    for _ in range(rounds):
        begin = time.perf_counter()
        read_facts(path)
        taken.append((time.perf_counter() - begin) * 1000)
    return taken


def _reads(path: Path, size: int) -> tuple[int, int]:
    """How many ranges a far file takes, and how many bytes."""
    lengths: list[int] = []

    async def read(offset: int, length: int) -> bytes:
        lengths.append(length)
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    facts_of(path.name, asyncio.run(fetch_header(path.name, size, read)))
    return len(lengths), sum(lengths)


def measure(quick: bool) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "8b.gguf", Path(folder) / "4mb.gguf"
        header, size = write(path)
        small_header, small_size = write(small, merges=60_000)
        taken = _local_ms(path, 5 if quick else 30)
        reads, fetched = _reads(path, size)
        small_reads, small_fetched = _reads(small, small_size)
    rows = [
        Row("facts of an 8B file, local", median(taken), None, median(taken), "ms", AT_MOST, 60),
        Row("its slowest round", max(taken), None, max(taken), "ms"),
        Row("reads of it, remote", reads, None, reads, "", AT_MOST, READS_MAX),
        Row("reads of a 4 MB header, remote", small_reads, None, small_reads, "", AT_MOST, 4),
    ]
    notes = [
        f"the file has {size / 1e9:.2f} GB, its header {header / 1e6:.2f} MB",
        f"the header has {TOKENS} tokens, {MERGES} merges; {fetched / 1e6:.2f} MB come from afar",
        f"the smaller header has {small_header / 1e6:.2f} MB; {small_fetched / 1e6:.2f} MB fetched",
    ]
    return Result("facts", "nothing", rows, notes)


if __name__ == "__main__":
    main(measure, __doc__)
