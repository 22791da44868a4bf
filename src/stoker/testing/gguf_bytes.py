"""GGUF headers put together piece by piece, in either byte order and version, right or wrong.

Owns the form of the bytes and nothing about what they should say: a count, a length, a type or an
offset is what the caller gives. For tests of readers.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMS = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?"} | {
    U64: "Q",
    I64: "q",
    F64: "d",
}
ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class GgufBytes:
    """Makes pieces of a header; `mark` is `struct`'s of the byte order."""

    mark: str = "<"
    version: int = 3

    def pack(self, form: str, *values: float) -> bytes:
        """The numbers in this byte order."""
        return struct.pack(self.mark + form, *values)

    def string(self, text: str | bytes, length: int | None = None) -> bytes:
        """A string, its length stated as `length` if that is given."""
        data = text.encode() if isinstance(text, str) else text
        return self.pack("Q", len(data) if length is None else length) + data

    def pair(self, key: str | bytes, kind: int, value: bytes) -> bytes:
        """A key, the number of its value's type, and the value's bytes."""
        return self.string(key) + self.pack("I", kind) + value

    def number(self, key: str, value: float, kind: int = U32) -> bytes:
        """A pair whose value is a number."""
        return self.pair(key, kind, self.pack(FORMS[kind], value))

    def text(self, key: str, value: str | bytes) -> bytes:
        """A pair whose value is a string."""
        return self.pair(key, STRING, self.string(value))

    def array(self, kind: int, count: int, data: bytes = b"") -> bytes:
        """An array's bytes: the type and number of its elements, and what follows."""
        return self.pack("IQ", kind, count) + data

    def tensor(self, name: str | bytes, sides: tuple[int, ...], kind: int, offset: int) -> bytes:
        """What the header says of one tensor."""
        shape = self.pack(f"I{len(sides)}Q", len(sides), *sides)
        return self.string(name) + shape + self.pack("IQ", kind, offset)

    def header(
        self,
        pairs: tuple[bytes, ...] = (),
        tensors: tuple[bytes, ...] = (),
        *,
        pair_count: int | None = None,
        tensor_count: int | None = None,
        magic: bytes = b"GGUF",
    ) -> bytes:
        """All of it, padded; the counts are those of what is given unless they are stated."""
        counts = self.pack(
            "IQQ",
            self.version,
            len(tensors) if tensor_count is None else tensor_count,
            len(pairs) if pair_count is None else pair_count,
        )
        data = magic + counts + b"".join(pairs) + b"".join(tensors)
        return data + bytes(-len(data) % ALIGNMENT)

    def model(self, *more: bytes) -> bytes:
        """A whole file with facts: two layers, three tensors, a tokenizer; and `more` pairs."""
        pairs = (
            self.text("general.architecture", "llama"),
            self.number("llama.block_count", 2),
            self.number("llama.context_length", 128, U64),
            self.number("llama.embedding_length", 64),
            self.number("llama.attention.head_count", 4),
            self.pair(
                "llama.attention.head_count_kv", ARRAY, self.array(I32, 2, self.pack("ii", 2, 1))
            ),
            self.pair("tokenizer.ggml.tokens", ARRAY, self.array(STRING, 2, self.string("a") * 2)),
            *more,
        )
        tensors = (
            self.tensor("token_embd.weight", (64, 2), 8, 0),
            self.tensor("blk.0.attn_k.weight", (5,), 0, 160),
            self.tensor("blk.1.attn_k.weight", (32,), 1, 192),
        )
        return self.header(pairs, tensors) + bytes(192 + 64)
