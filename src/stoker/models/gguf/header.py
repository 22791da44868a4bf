"""The header of a GGUF file (versions 2 and 3), read in pure Python and checked before use.

Owns the bounds: nothing a file says makes this allocate or loop beyond them, so it may read a file
that nobody trusts. It reads metadata and the tensors' places, never their data. How the first bytes
are fetched is for `prefix`, what the metadata mean for `facts`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

from stoker.core.errors import ModelFileError, ModelFileGarbageError, ModelFileTruncatedError
from stoker.models.gguf.tensors import Place, Tensors, aligned, misplaced, repeated, summed
from stoker.models.gguf.types import TENSOR_TYPES
from stoker.models.prefix import MoreNeeded, ReadRange, read_local, read_remote

MAGIC = b"GGUF"
HEADER_BYTES_MAX = 64 << 20
KEYS_MAX = 4096
TENSORS_MAX = 65536
ARRAY_MAX = 4 << 20
ARRAY_KEPT_MAX = 4096
ELEMENTS_KEPT_MAX = 65536
NESTED_ARRAYS_MAX = 4096
STRING_KEPT_MAX = 1 << 20
ELEMENTS_MAX = 1 << 50
NAME_MAX = 1024
ALIGNMENT_MAX = 1 << 20
_NESTING_MAX = 2
_DIMENSIONS_MAX = 4
_VERSIONS = (2, 3)

_LETTERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q"} | {
    12: "d"
}
_STRING, _ARRAY = 8, 9

Value = int | float | bool | str
Numbers = tuple[int | float | bool, ...]


class _Order:
    """The forms of numbers in one byte order."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.scalars = {kind: struct.Struct(mark + form) for kind, form in _LETTERS.items()}
        self.u32, self.u64 = self.scalars[4], self.scalars[10]
        self.array_head = struct.Struct(mark + "IQ")


_LITTLE, _BIG = _Order("<"), _Order(">")


@dataclass(frozen=True, slots=True)
class Header:
    """What one file's header says.

    `array_lengths` has all arrays; `arrays` the elements of short ones of numbers, the others are
    skipped. `tensors` counts; `weight_bytes` has the bytes of tensor data by type name. `pairs`
    says from which byte to which each key lies with its value, `table_at` the same of the tensors'
    table.
    """

    version: int
    values: dict[str, Value]
    array_lengths: dict[str, int]
    table: Tensors
    file_bytes: int
    arrays: dict[str, Numbers] = field(default_factory=dict)
    big_endian: bool = False
    pairs: dict[str, tuple[int, int]] = field(default_factory=dict)
    table_at: tuple[int, int] = (0, 0)

    @property
    def tensors(self) -> int:
        """How many tensors there are."""
        return self.table.count

    @property
    def parameters(self) -> int:
        """How many elements the tensors have together."""
        return self.table.parameters

    @property
    def weight_bytes(self) -> dict[str, int]:
        """The bytes of tensor data by type name."""
        return self.table.weight_bytes


def read_header(path: Path) -> Header:
    """The checked header of the file `path`; of a split model this part's only.

    Raises:
        ModelFileMissingError: it does not exist, is not a file, or may not be read.
        ModelFileEmptyError: it holds nothing.
        ModelFileTruncatedError: it ends before what its header announces.
        ModelFileGarbageError: it is not GGUF, or says what cannot be.
    """
    return read_local(path, HEADER_BYTES_MAX, lambda size: Parser(path.name, size))


async def fetch_header(name: str, size_bytes: int, read: ReadRange) -> Header:
    """The checked header of a far file of `size_bytes`; `read(offset, length)` gives its bytes.

    Asks at most 4 times, each time for the bytes behind those it has.

    Raises:
        ModelFileError: as `read_header`; what `read` raises passes through.
    """
    return await read_remote(
        name, size_bytes, read, HEADER_BYTES_MAX, lambda size: Parser(name, size)
    )


class Parser:
    """A cursor over the file's first bytes that checks each step before taking it.

    `read` may be called again with a longer prefix: whole pairs, and the strings of an array that
    were skipped already, are not read twice.
    """

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self._data = b""
        self._at = 0
        self._order = _LITTLE
        self._preface: tuple[int, int, int] | None = None
        self._values: dict[str, Value] = {}
        self._lengths: dict[str, int] = {}
        self._arrays: dict[str, Numbers] = {}
        self._pairs: dict[str, tuple[int, int]] = {}
        self._kept = self._nested = self._nested_before = 0
        self._skipped = (0, 0, 0)  # an array of strings: where it began, how many, where they end
        self._resume_at = 0

    def read(self, data: bytes) -> Header:
        """The header, from the file's first bytes.

        Raises:
            MoreNeeded: they are too few.
            ModelFileError: the file is not GGUF, or says what cannot be.
        """
        self._data = data
        self._at, self._nested = self._resume_at, self._nested_before
        if self._preface is None:
            self._preface = self._preamble()
            self._resume_at = self._at
        version, tensors, keys = self._preface
        while len(self._values) + len(self._lengths) < keys:
            self._pair()
            self._resume_at, self._nested_before = self._at, self._nested
        table = self._at
        places = [self._tensor() for _ in range(tensors)]
        return self._header(version, places, (table, self._at))

    def _header(self, version: int, places: list[Place], table_at: tuple[int, int]) -> Header:
        self._check_places(places)
        return Header(
            version,
            self._values,
            self._lengths,
            summed(places),
            self._size,
            self._arrays,
            big_endian=self._order is _BIG,
            pairs=self._pairs,
            table_at=table_at,
        )

    def _preamble(self) -> tuple[int, int, int]:
        magic = self._data[: len(MAGIC)]
        if magic != MAGIC[: len(magic)]:
            raise self._garbage(f"begins with {magic!r}, a GGUF file with {MAGIC!r}")
        self._step(len(MAGIC))
        version = self._version()
        tensors, keys = int(self._scalar(self._order.u64)), int(self._scalar(self._order.u64))
        self._check_count("tensors", tensors, TENSORS_MAX, least_bytes=24)
        self._check_count("keys", keys, KEYS_MAX, least_bytes=13)
        return version, tensors, keys

    def _version(self) -> int:
        """The version; read the other way round where that makes sense of it."""
        at = self._at
        version = int(self._scalar(_LITTLE.u32))
        swapped = _BIG.u32.unpack_from(self._data, at)[0]
        if swapped in _VERSIONS:
            self._order = _BIG
            return int(swapped)
        if version not in _VERSIONS:
            raise self._garbage(f"is of version {version}; 2 and 3 are known")
        return version

    def _pair(self) -> None:
        begin = self._at
        key = self._string(NAME_MAX, "a key")
        if key in self._values or key in self._lengths:
            raise self._garbage(f"has the key {key!r} twice")
        kind = int(self._scalar(self._order.u32))
        if kind == _ARRAY:
            self._array(key)
        elif kind == _STRING:
            self._values[key] = self._string(STRING_KEPT_MAX, key)
        else:
            self._values[key] = self._scalar(self._known(kind))
        self._pairs[key] = begin, self._at

    def _array(self, key: str) -> None:
        at = self._at
        count = self._skip_array(0)
        self._lengths[key] = count
        kind = self._order.array_head.unpack_from(self._data, at)[0]
        if kind in _LETTERS and count <= ARRAY_KEPT_MAX:
            self._kept += count
            if self._kept <= ELEMENTS_KEPT_MAX:
                form = f"{self._order.mark}{count}{_LETTERS[kind]}"
                begin = at + self._order.array_head.size
                self._arrays[key] = struct.unpack_from(form, self._data, begin)

    def _known(self, kind: int) -> struct.Struct:
        if kind not in self._order.scalars:
            raise self._garbage(f"has a value of the unknown type {kind} at byte {self._at}")
        return self._order.scalars[kind]

    def _scalar(self, form: struct.Struct) -> int | float | bool:
        at = self._at
        self._step(form.size)
        value: int | float | bool = form.unpack_from(self._data, at)[0]
        return value

    def _string(self, most: int, what: str) -> str:
        length = int(self._scalar(self._order.u64))
        if length > most:
            raise self._garbage(f"says that {what!r} has {length} bytes; the limit is {most}")
        at = self._at
        self._step(length)
        return self._data[at : self._at].decode("utf-8", "replace")

    def _skip_array(self, depth: int) -> int:
        at = self._at
        self._step(self._order.array_head.size)
        kind, count = self._order.array_head.unpack_from(self._data, at)
        self._check_count("array elements", count, ARRAY_MAX, least_bytes=1)
        if kind == _STRING:
            self._skip_strings(count)
        elif kind == _ARRAY:
            self._skip_arrays(count, depth + 1)
        else:
            self._step(self._known(kind).size * count)
        return int(count)

    def _skip_arrays(self, count: int, depth: int) -> None:
        self._nested += count
        if depth > _NESTING_MAX:
            raise self._garbage("nests arrays too deeply")
        if self._nested > NESTED_ARRAYS_MAX:
            raise self._garbage(f"nests more than {NESTED_ARRAYS_MAX} arrays")
        for _ in range(count):
            self._skip_array(depth)

    def _skip_strings(self, count: int) -> None:
        # The one loop that a vocabulary makes long: locals, and a single test for each string.
        begin, done, at = self._skipped
        if begin != self._at:
            begin, done, at = self._at, 0, self._at
        last, data, length_at = len(self._data) - 8, self._data, self._order.u64.unpack_from
        for index in range(done, count):
            if at > last:
                self._skipped = (begin, index, at)
                self._step(at + 8 * (count - index) - self._at)  # beyond the data: this raises
            at += 8 + length_at(data, at)[0]
        self._skipped = (begin, count, at)
        self._step(at - self._at)

    def _step(self, count: int) -> None:
        end = self._at + count
        if end <= len(self._data):
            self._at = end
            return
        if end > self._size:
            raise ModelFileTruncatedError(
                f"{self._name}: ends at byte {self._size}, inside its header"
            )
        if end > HEADER_BYTES_MAX:
            raise self._garbage(f"has a header of more than {HEADER_BYTES_MAX} bytes")
        raise MoreNeeded(end)

    def _check_count(self, what: str, count: int, most: int, *, least_bytes: int) -> None:
        if count > most:
            raise self._garbage(f"announces {count} {what}; the limit is {most}")
        if count * least_bytes > self._size - self._at:
            raise ModelFileTruncatedError(
                f"{self._name}: announces {count} {what}, but ends at byte {self._size}"
            )

    def _tensor(self) -> Place:
        name = self._string(NAME_MAX, "a tensor's name")
        count = int(self._scalar(self._order.u32))
        if not 1 <= count <= _DIMENSIONS_MAX:
            raise self._garbage(f"gives tensor {name!r} {count} dimensions")
        sides = [int(self._scalar(self._order.u64)) for _ in range(count)]
        kind, offset = int(self._scalar(self._order.u32)), int(self._scalar(self._order.u64))
        if kind not in TENSOR_TYPES:
            raise self._garbage(f"gives tensor {name!r} the unknown type {kind}")
        elements = self._elements(name, sides, TENSOR_TYPES[kind].block)
        return Place(name, TENSOR_TYPES[kind], elements, offset)

    def _elements(self, name: str, sides: list[int], block: int) -> int:
        elements = 1
        for side in sides:
            elements *= side
            if not 0 < elements <= ELEMENTS_MAX:
                raise self._garbage(f"gives tensor {name!r} the impossible shape {sides}")
        if sides[0] % block:
            raise self._garbage(f"gives tensor {name!r} rows of {sides[0]}, not in {block}s")
        return elements

    def _alignment(self) -> int:
        alignment = self._values.get("general.alignment", 32)
        if type(alignment) is not int or not 1 <= alignment <= ALIGNMENT_MAX:
            raise self._garbage(f"has the alignment {alignment!r}")
        if alignment & (alignment - 1):
            raise self._garbage(f"has the alignment {alignment}, not a power of two")
        return alignment

    def _check_places(self, places: list[Place]) -> None:
        """Tensors have names of their own, and lie one after the other, aligned, in the file."""
        alignment = self._alignment()
        wrong = repeated(places) or misplaced(places, alignment)
        if wrong:
            raise self._garbage(wrong)
        start = aligned(self._at, alignment)
        for place in places:
            end = start + place.offset + place.bytes
            if end > self._size:
                raise ModelFileTruncatedError(
                    f"{self._name}: needs {end} bytes for tensor {place.name!r}, has {self._size}"
                )

    def _garbage(self, what: str) -> ModelFileError:
        return ModelFileGarbageError(f"{self._name}: not a valid GGUF file: it {what}")
