"""The parts of a GGUF file that a copy needs: its pairs as raw bytes, and its tensors' places.

Reads only files that `stoker.models.gguf.read_header` accepted, whose bounds therefore hold. The
pairs are never interpreted: what Stoker does not know is carried over bit for bit.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from stoker.core.errors import UnsupportedModelError
from stoker.models.gguf import HEADER_BYTES_MAX, read_header

_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY, _U32 = 8, 9, 4
_ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: `shape` has the length of a row first; `offset` counts from the data's start."""

    name: str
    shape: tuple[int, ...]
    kind: str
    offset: int

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return prod(self.shape[1:])

    @property
    def elements(self) -> int:
        """How many numbers there are."""
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """The bytes of its data."""
        return self.rows * row_bytes(self.kind, self.shape[0])


@dataclass(slots=True)
class Outline:
    """A file's pairs by key, each as the raw bytes of its key, type and value; and its tensors."""

    pairs: dict[str, bytes] = field(default_factory=dict)
    tensors: list[Tensor] = field(default_factory=list)
    data_at: int = 0
    alignment: int = _ALIGNMENT


def row_bytes(kind: str, elements: int) -> int:
    """The bytes of one row of `elements` numbers of type `kind`."""
    block, size = GGML_QUANT_SIZES[GGMLQuantizationType[kind]]
    return elements // block * size


def padded(size_bytes: int, alignment: int) -> int:
    """`size_bytes` rounded up to a multiple of `alignment`."""
    return -(-size_bytes // alignment) * alignment


def pair_u32(key: str, value: int) -> bytes:
    """The raw bytes of a pair whose value is a number of 32 bits."""
    raw = key.encode()
    return struct.pack("<Q", len(raw)) + raw + struct.pack("<II", _U32, value)


def read_outline(path: Path) -> Outline:
    """The outline of the model file `path`.

    Raises:
        ModelFileError: it is missing or not a sound model file.
        UnsupportedModelError: it is one part of several, or of big-endian numbers.
    """
    header = read_header(path)
    parts = header.values.get("split.count", 1)
    if isinstance(parts, int) and parts > 1:
        raise UnsupportedModelError(
            f"{path.name} is one part of {parts}", hint="merge the parts into one file first."
        )
    with path.open("rb") as file:
        data = file.read(HEADER_BYTES_MAX)
    if data[5] or data[6] or data[7]:
        raise UnsupportedModelError(f"{path.name} is of big-endian numbers")
    return _Walk(data).outline(int(header.values.get("general.alignment", _ALIGNMENT)))


class _Walk:
    """A cursor over an accepted header."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 8

    def outline(self, alignment: int) -> Outline:
        found = Outline(alignment=alignment)
        tensors, pairs = self._take("<QQ")
        for _ in range(pairs):
            start = self._at
            key = self._string()
            self._skip(self._take("<I")[0])
            found.pairs[key] = self._data[start : self._at]
        found.tensors = [self._tensor() for _ in range(tensors)]
        found.data_at = padded(self._at, alignment)
        return found

    def _take(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return values

    def _string(self) -> str:
        (length,) = self._take("<Q")
        self._at += length
        return self._data[self._at - length : self._at].decode("utf-8", "surrogateescape")

    def _skip(self, kind: int) -> None:
        if kind == _STRING:
            (length,) = self._take("<Q")
            self._at += length
        elif kind == _ARRAY:
            self._skip_array(*self._take("<IQ"))
        else:
            self._at += _WIDTHS[kind]

    def _skip_array(self, kind: int, length: int) -> None:
        if kind in _WIDTHS:
            self._at += _WIDTHS[kind] * length
            return
        for _ in range(length):
            self._skip(kind)

    def _tensor(self) -> Tensor:
        name = self._string()
        (dimensions,) = self._take("<I")
        shape = self._take(f"<{dimensions}Q")
        kind, offset = self._take("<IQ")
        return Tensor(name, shape or (1,), GGMLQuantizationType(kind).name, offset)
