"""Synthetic models: real GGUF files with random weights, for tests and benchmarks.

Owns the shapes, the made-up vocabulary and the ways to break a file. The weights mean nothing; a
model answers with random words, as fast as a real one of its shape. Needs numpy and gguf, which
are development dependencies.

    python -m stoker.testing.synthetic tiny PATH
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of one llama-like model; its output matrix is its embedding matrix."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    ffn: int
    vocabulary: int
    context: int
    pooling: int | None = None


TINY = Shape(2, 256, 4, 2, 512, 1024, 2048)
SHAPES = {
    "tiny": TINY,
    "tiny_embed": replace(TINY, pooling=1),
    # The shape of Qwen2.5-0.5B.
    "half_b": Shape(24, 896, 14, 2, 4864, 151936, 32768),
}
_TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: "
_CONTROL = 3
_NORMAL = 1
_SYLLABLES = ("ka", "lo", "mi", "ne", "ru", "sa", "ti", "vo", "we", "zu", "be", "da", "fi", "go")


def write_model(
    path: Path, shape: str | Shape = "tiny", quantization: str = "Q8_0", seed: int = 0
) -> Path:
    """Write a model of `shape` (a name in `SHAPES`, or sizes) to `path`, and return `path`.

    Its end-of-answer token has a row of zeros in the output matrix, so it scores 0 where a random
    word scores above; with greedy sampling an answer is as long as it may be.

    Raises:
        RuntimeError: numpy or gguf is not installed.
        KeyError: no such shape or quantization.
    """
    sizes = SHAPES[shape] if isinstance(shape, str) else shape
    gguf = _library("gguf")
    kind = gguf.GGMLQuantizationType[quantization]
    _write(gguf.GGUFWriter(None, "llama"), path, sizes, _tensors(sizes, kind, seed))
    return path


def write_split_model(path: Path, parts: int) -> Path:
    """Write a tiny model as `parts` files beside `path`, which none of them is; return the first.

    Raises:
        RuntimeError: numpy or gguf is not installed.
    """
    gguf = _library("gguf")
    tensors = list(_tensors(TINY, gguf.GGMLQuantizationType["Q8_0"], 0))
    most = -(-len(tensors) // parts)
    _write(gguf.GGUFWriter(None, "llama", split_max_tensors=most), path, TINY, tensors)
    return path.with_name(f"{path.stem}-00001-of-{parts:05}.gguf")


def _write(writer: Any, path: Path, sizes: Shape, tensors: Iterable[tuple[str, Any, Any]]) -> None:
    _add_sizes(writer, sizes)
    _add_tokenizer(writer, sizes)
    for name, data, kind in tensors:
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file(path)
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise RuntimeError(f"synthetic models need {name}; install the group `dev`") from error


def _add_sizes(writer: Any, shape: Shape) -> None:
    writer.add_name("synthetic")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(shape.hidden // shape.heads)
    writer.add_vocab_size(shape.vocabulary)
    if shape.pooling is not None:
        writer.add_uint32("llama.pooling_type", shape.pooling)


def _add_tokenizer(writer: Any, shape: Shape) -> None:
    words = shape.vocabulary - 257
    end = shape.vocabulary - 1
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([*_byte_tokens(), *_words(words), "<|end|>"])
    writer.add_token_types([_NORMAL] * (256 + words) + [_CONTROL])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(end)
    writer.add_eos_token_id(end)
    writer.add_bool("tokenizer.ggml.add_bos_token", val=False)
    writer.add_chat_template(_TEMPLATE)


def _byte_tokens() -> list[str]:
    """The 256 one-byte tokens, each as the printable character that byte-level BPE gives it."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = iter(range(256, 512))
    return [chr(byte if byte in printable else next(spare)) for byte in range(256)]


def _words(count: int) -> Iterator[str]:
    """`count` different made-up words, after a space (in byte-level BPE a dotted G)."""
    base = len(_SYLLABLES)
    for number in range(base, base + count):
        word, rest = "", number
        while rest:
            rest, syllable = divmod(rest, base)
            word = _SYLLABLES[syllable] + word
        yield "\u0120" + word


def _tensors(shape: Shape, kind: Any, seed: int) -> Iterator[tuple[str, Any, Any]]:
    blocks = _Blocks(kind, seed)
    embedding = blocks.matrix(shape.vocabulary, shape.hidden)
    embedding[-1] = blocks.zeros(shape.hidden)  # the token that would end an answer
    yield "token_embd.weight", embedding, kind
    yield "output_norm.weight", blocks.ones(shape.hidden), None
    for layer in range(shape.layers):
        for name, rows, columns in _layer(shape):
            whole = f"blk.{layer}.{name}.weight"
            if rows:
                yield whole, blocks.matrix(rows, columns), kind
            else:
                yield whole, blocks.ones(columns), None


def _layer(shape: Shape) -> tuple[tuple[str, int, int], ...]:
    """Name, rows and columns of each tensor of a layer; a vector has no rows."""
    kv = shape.hidden // shape.heads * shape.kv_heads
    return (
        ("attn_norm", 0, shape.hidden),
        ("ffn_norm", 0, shape.hidden),
        ("attn_q", shape.hidden, shape.hidden),
        ("attn_k", kv, shape.hidden),
        ("attn_v", kv, shape.hidden),
        ("attn_output", shape.hidden, shape.hidden),
        ("ffn_gate", shape.ffn, shape.hidden),
        ("ffn_up", shape.ffn, shape.hidden),
        ("ffn_down", shape.hidden, shape.ffn),
    )


class _Blocks:
    """Random weights of one number format, made once for each row length and repeated."""

    _ROWS = 64

    def __init__(self, kind: Any, seed: int) -> None:
        self._numpy, self._gguf = _library("numpy"), _library("gguf")
        self._random = self._numpy.random.default_rng(seed)
        self._kind = kind
        self._by_columns: dict[int, Any] = {}

    def matrix(self, rows: int, columns: int) -> Any:
        """`rows` x `columns` weights in the format, the rows drawn from a few and mixed."""
        if columns not in self._by_columns:
            plain = self._random.standard_normal((self._ROWS, columns), dtype="float32") * 0.02
            self._by_columns[columns] = self._gguf.quantize(plain, self._kind)
        return self._by_columns[columns][self._random.integers(0, self._ROWS, rows)]

    def zeros(self, columns: int) -> Any:
        """One row of zeros in the format."""
        return self._gguf.quantize(self._numpy.zeros((1, columns), "float32"), self._kind)[0]

    def ones(self, columns: int) -> Any:
        """A vector of ones, as 32-bit floats."""
        return self._numpy.ones(columns, "float32")


def main() -> None:
    """Write the model that the command line names: SHAPE PATH."""
    if len(sys.argv) != 3 or sys.argv[1] not in SHAPES:
        sys.exit(f"usage: python -m stoker.testing.synthetic {{{','.join(SHAPES)}}} PATH")
    write_model(Path(sys.argv[2]), sys.argv[1])


if __name__ == "__main__":
    main()
