"""The header of a GGUF file (versions 2 and 3), read in pure Python and checked before use.

Owns the bounds: nothing a file says makes this allocate or loop beyond them, so it may read a file
that nobody trusts. It reads metadata and the tensors' places, never their data. What the metadata
mean is for `facts`.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from stoker.core.errors import (
    ModelFileEmptyError,
    ModelFileError,
    ModelFileGarbageError,
    ModelFileMissingError,
    ModelFileTruncatedError,
)
from stoker.models.ggml_types import TENSOR_TYPES, TensorType

MAGIC = b"GGUF"
HEADER_BYTES_MAX = 64 << 20
KEYS_MAX = 4096
TENSORS_MAX = 65536
ARRAY_MAX = 4 << 20
STRING_KEPT_MAX = 1 << 20
ELEMENTS_MAX = 1 << 50
NAME_MAX = 1024
ALIGNMENT_MAX = 1 << 20
_NESTING_MAX = 2
_DIMENSIONS_MAX = 4
_VERSIONS = (2, 3)

_SCALARS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_STRING, _ARRAY = 8, 9
_U32, _U64 = _SCALARS[4], _SCALARS[10]
_ARRAY_HEAD = struct.Struct("<IQ")

Value = int | float | bool | str


@dataclass(frozen=True, slots=True)
class Header:
    """What one file's header says. `array_lengths` has the arrays, whose elements are skipped.

    `weight_bytes` has the bytes of tensor data by type name; `parameters` counts elements.
    """

    version: int
    values: dict[str, Value]
    array_lengths: dict[str, int]
    tensors: int
    parameters: int
    weight_bytes: dict[str, int]
    file_bytes: int


def read_header(path: Path) -> Header:
    """The checked header of the file `path`.

    Raises:
        ModelFileMissingError: it does not exist, is not a file, or may not be read.
        ModelFileEmptyError: it holds nothing.
        ModelFileTruncatedError: it ends before what its header announces.
        ModelFileGarbageError: it is not GGUF, or says what cannot be.
    """
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for its writer
            raise ModelFileMissingError(f"{path.name}: not a regular file")
        with path.open("rb") as file:
            return _read(path, file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelFileMissingError(f"{path.name}: cannot be read: {reason}") from error


def _read(path: Path, file: BinaryIO) -> Header:
    size = file.seek(0, 2)
    if size == 0:
        raise ModelFileEmptyError(f"{path.name}: the file is empty (0 bytes)")
    file.seek(0)
    # Read, not mapped: a mapped file that somebody cuts short meanwhile would kill this process.
    return _Parser(path.name, file.read(HEADER_BYTES_MAX), size).header()


class _Parser:
    """A cursor over the file's first bytes that checks each step before taking it."""

    def __init__(self, name: str, data: bytes, size: int) -> None:
        self._name = name
        self._data = data
        self._size = size
        self._limit = min(size, len(data))
        self._at = 0

    def header(self) -> Header:
        version, tensors, keys = self._preamble()
        values: dict[str, Value] = {}
        lengths: dict[str, int] = {}
        for _ in range(keys):
            self._pair(values, lengths)
        places = [self._tensor() for _ in range(tensors)]
        self._check_places(places, self._alignment(values))
        weight_bytes: Counter[str] = Counter()
        for place in places:
            weight_bytes[place.type.name] += place.bytes
        parameters = sum(place.elements for place in places)
        return Header(version, values, lengths, tensors, parameters, dict(weight_bytes), self._size)

    def _preamble(self) -> tuple[int, int, int]:
        magic = self._data[: len(MAGIC)]
        if magic != MAGIC[: len(magic)]:
            raise self._garbage(f"begins with {magic!r}, a GGUF file with {MAGIC!r}")
        self._step(len(MAGIC))
        version = self._scalar(_U32)
        if version not in _VERSIONS:
            raise self._garbage(f"is of version {version}; 2 and 3 are known")
        tensors, keys = int(self._scalar(_U64)), int(self._scalar(_U64))
        self._check_count("tensors", tensors, TENSORS_MAX, least_bytes=24)
        self._check_count("keys", keys, KEYS_MAX, least_bytes=13)
        return int(version), tensors, keys

    def _pair(self, values: dict[str, Value], lengths: dict[str, int]) -> None:
        key = self._string(NAME_MAX, "a key")
        if key in values or key in lengths:
            raise self._garbage(f"has the key {key!r} twice")
        kind = int(self._scalar(_U32))
        if kind == _ARRAY:
            lengths[key] = self._skip_array(0)
        elif kind == _STRING:
            values[key] = self._string(STRING_KEPT_MAX, key)
        else:
            values[key] = self._scalar(self._known(kind))

    def _known(self, kind: int) -> struct.Struct:
        if kind not in _SCALARS:
            raise self._garbage(f"has a value of the unknown type {kind} at byte {self._at}")
        return _SCALARS[kind]

    def _scalar(self, form: struct.Struct) -> int | float | bool:
        at = self._at
        self._step(form.size)
        value: int | float | bool = form.unpack_from(self._data, at)[0]
        return value

    def _string(self, most: int, what: str) -> str:
        length = int(self._scalar(_U64))
        if length > most:
            raise self._garbage(f"says that {what!r} has {length} bytes; the limit is {most}")
        at = self._at
        self._step(length)
        return self._data[at : self._at].decode("utf-8", "replace")

    def _skip_array(self, depth: int) -> int:
        at = self._at
        self._step(_ARRAY_HEAD.size)
        kind, count = _ARRAY_HEAD.unpack_from(self._data, at)
        self._check_count("array elements", count, ARRAY_MAX, least_bytes=1)
        if kind == _STRING:
            self._skip_strings(count)
        elif kind == _ARRAY:
            if depth >= _NESTING_MAX:
                raise self._garbage("nests arrays too deeply")
            for _ in range(count):
                self._skip_array(depth + 1)
        else:
            self._step(self._known(kind).size * count)
        return int(count)

    def _skip_strings(self, count: int) -> None:
        # The one loop that a vocabulary makes long: locals, and a single test for each string.
        at, last, data, length_at = self._at, self._limit - 8, self._data, _U64.unpack_from
        for _ in range(count):
            if at > last:
                break
            at += 8 + length_at(data, at)[0]
        else:
            self._step(at - self._at)
            return
        self._step(max(at + 8 - self._at, 0))  # beyond the limit: this raises

    def _step(self, count: int) -> None:
        end = self._at + count
        if end <= self._limit:
            self._at = end
            return
        if end > self._size:
            raise ModelFileTruncatedError(
                f"{self._name}: ends at byte {self._size}, inside its header"
            )
        raise self._garbage(f"has a header of more than {HEADER_BYTES_MAX} bytes")

    def _check_count(self, what: str, count: int, most: int, *, least_bytes: int) -> None:
        if count > most:
            raise self._garbage(f"announces {count} {what}; the limit is {most}")
        if count * least_bytes > self._size - self._at:
            raise ModelFileTruncatedError(
                f"{self._name}: announces {count} {what}, but ends at byte {self._size}"
            )

    def _tensor(self) -> _Place:
        name = self._string(NAME_MAX, "a tensor's name")
        count = int(self._scalar(_U32))
        if not 1 <= count <= _DIMENSIONS_MAX:
            raise self._garbage(f"gives tensor {name!r} {count} dimensions")
        sides = [int(self._scalar(_U64)) for _ in range(count)]
        kind, offset = int(self._scalar(_U32)), int(self._scalar(_U64))
        if kind not in TENSOR_TYPES:
            raise self._garbage(f"gives tensor {name!r} the unknown type {kind}")
        elements = self._elements(name, sides, TENSOR_TYPES[kind].block)
        return _Place(name, TENSOR_TYPES[kind], elements, offset)

    def _elements(self, name: str, sides: list[int], block: int) -> int:
        elements = 1
        for side in sides:
            elements *= side
            if not 0 < elements <= ELEMENTS_MAX:
                raise self._garbage(f"gives tensor {name!r} the impossible shape {sides}")
        if sides[0] % block:
            raise self._garbage(f"gives tensor {name!r} rows of {sides[0]}, not in {block}s")
        return elements

    def _alignment(self, values: dict[str, Value]) -> int:
        alignment = values.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 1 <= alignment <= ALIGNMENT_MAX:
            raise self._garbage(f"has the alignment {alignment!r}")
        if alignment & (alignment - 1):
            raise self._garbage(f"has the alignment {alignment}, not a power of two")
        return alignment

    def _check_places(self, places: list[_Place], alignment: int) -> None:
        """Tensors lie one after the other, aligned, and inside the file."""
        start = _aligned(self._at, alignment)
        expected = 0
        for place in sorted(places, key=lambda place: place.offset):
            if place.offset != expected:
                raise self._garbage(
                    f"puts tensor {place.name!r} at {place.offset}, expected {expected}"
                )
            end = start + place.offset + place.bytes
            if end > self._size:
                raise ModelFileTruncatedError(
                    f"{self._name}: needs {end} bytes for tensor {place.name!r}, has {self._size}"
                )
            expected = _aligned(place.offset + place.bytes, alignment)

    def _garbage(self, what: str) -> ModelFileError:
        return ModelFileGarbageError(f"{self._name}: not a valid GGUF file: it {what}")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one tensor lies, `offset` counted from the start of the data."""

    name: str
    type: TensorType
    elements: int
    offset: int

    @property
    def bytes(self) -> int:
        return self.elements // self.type.block * self.type.block_bytes


def _aligned(offset: int, alignment: int) -> int:
    return (offset + alignment - 1) & -alignment
