"""What a copy needs of a model's GGUF files: its pairs as raw bytes, and its tensors' places.

Reads only files that `stoker.models.gguf.parts` accepted, whose bounds therefore hold. The pairs
are never interpreted: what Stoker does not know is carried over bit for bit. Of a model in several
files they are the first one's, without those that say how it is split.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from stoker.core.errors import UnsupportedModelError
from stoker.models.gguf.header import HEADER_BYTES_MAX, Header, read_header
from stoker.models.gguf.parts import paths_of, read_all

_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY, _U32 = 8, 9, 4
_ALIGNMENT = 32
_SPLIT = ("split.no", "split.count", "split.tensors.count")


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: `shape` has the length of a row first; `offset` counts from the data's start.

    `file` is the place of its file among those of the model.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    offset: int
    file: int = 0

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
    """A model's pairs by key, each as the raw bytes of its key, type and value; and its tensors.

    `data_at` has for each of `paths`, the model's files, where the data begin.
    """

    paths: tuple[Path, ...]
    alignment: int = _ALIGNMENT
    pairs: dict[str, bytes] = field(default_factory=dict)
    tensors: list[Tensor] = field(default_factory=list)
    data_at: list[int] = field(default_factory=list)


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
    """The outline of the model that begins in the file `path`, of all its files together.

    Raises:
        ModelFileError: a file is missing or broken, or `path` is not the first one.
        UnsupportedModelError: it is of big-endian numbers.
    """
    header, count = read_all(path)
    paths = paths_of(path) if count > 1 else (path,)
    found = Outline(paths, _alignment(header))
    for number, one in enumerate(paths):
        alignment = _alignment(header if number == 0 else read_header(one))
        _Walk(_beginning(one), number).walk(found, alignment)
    for key in _SPLIT:
        found.pairs.pop(key, None)
    return found


def _alignment(header: Header) -> int:
    return int(header.values.get("general.alignment", _ALIGNMENT))


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(HEADER_BYTES_MAX)
    if data[5] or data[6] or data[7]:
        raise UnsupportedModelError(f"{path.name} is of big-endian numbers")
    return data


class _Walk:
    """A cursor over an accepted header."""

    def __init__(self, data: bytes, number: int) -> None:
        self._data = data
        self._number = number
        self._at = 8

    def walk(self, found: Outline, alignment: int) -> None:
        """Add to `found` what the file has."""
        tensors, pairs = self._take("<QQ")
        for _ in range(pairs):
            start = self._at
            key = self._string()
            self._skip(self._take("<I")[0])
            if self._number == 0:
                found.pairs[key] = self._data[start : self._at]
        found.tensors += [self._tensor() for _ in range(tensors)]
        found.data_at.append(padded(self._at, alignment))

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
        return Tensor(name, shape or (1,), GGMLQuantizationType(kind).name, offset, self._number)
