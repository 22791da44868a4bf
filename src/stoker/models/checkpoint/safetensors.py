"""The header of a safetensors file, read in pure Python and checked before use.

Owns the bounds of one file: its length, its JSON, and that the tensors lie one after the other and
fill the file. How the first bytes are fetched is for `prefix`, which files belong together for
`shards`, what the tensors mean for `config`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from stoker.core.errors import ModelFileError, ModelFileTruncatedError
from stoker.models.checkpoint.documents import garbage
from stoker.models.prefix import MoreNeeded, ReadRange, read_local, read_remote

HEADER_BYTES_MAX = 16 << 20
TENSORS_MAX = 65536
NAME_MAX = 1024
DIMENSIONS_MAX = 8
ELEMENTS_MAX = 1 << 50
_LENGTH_BYTES = 8
_COMMAS_MAX = 16 * TENSORS_MAX

# Bits of one element, as the file format defines them.
DTYPE_BITS = {
    "F64": 64,
    "F32": 32,
    "F16": 16,
    "BF16": 16,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "F8_E8M0": 8,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "F4": 4,
    "C64": 64,
    "I64": 64,
    "U64": 64,
    "I32": 32,
    "U32": 32,
    "I16": 16,
    "U16": 16,
    "I8": 8,
    "U8": 8,
    "BOOL": 8,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor: its bytes are `begin` to `end`, counted from the start of the file's data."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def elements(self) -> int:
        """How many numbers there are."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """The size of its data in bytes."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Header:
    """What one file's header says; `data_at` is where the data begin, in bytes."""

    tensors: dict[str, Entry]
    data_at: int
    file_bytes: int


def read_header(path: Path) -> Header:
    """The checked header of the file `path`.

    Raises:
        ModelFileMissingError: it does not exist, is not a file, or may not be read.
        ModelFileEmptyError: it holds nothing.
        ModelFileTruncatedError: it ends before what its header announces.
        ModelFileGarbageError: it is not safetensors, or says what cannot be.
    """
    return read_local(path, HEADER_BYTES_MAX, lambda size: Parser(path.name, size))


async def fetch_header(name: str, size_bytes: int, read: ReadRange) -> Header:
    """The checked header of a far file of `size_bytes`; `read(offset, length)` gives its bytes.

    Asks once for headers under a megabyte, else twice.

    Raises:
        ModelFileError: as `read_header`; what `read` raises passes through.
    """
    return await read_remote(
        name, size_bytes, read, HEADER_BYTES_MAX, lambda size: Parser(name, size)
    )


class Parser:
    """Reads the header from a file's first bytes, and checks each word before using it."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size

    def read(self, data: bytes) -> Header:
        """The header, from the file's first bytes.

        Raises:
            MoreNeeded: they are too few.
            ModelFileError: the file is not safetensors, or says what cannot be.
        """
        length = self._length(data)
        data_at = _LENGTH_BYTES + length
        if len(data) < data_at:
            raise MoreNeeded(data_at)
        entries = self._entries(self._parsed(data[_LENGTH_BYTES:data_at]))
        self._check_places(entries, self._size - data_at)
        return Header(entries, data_at, self._size)

    def _length(self, data: bytes) -> int:
        if self._size < _LENGTH_BYTES:
            raise self._cut(f"ends at byte {self._size}, inside its header")
        length = int.from_bytes(data[:_LENGTH_BYTES], "little")
        if length > HEADER_BYTES_MAX:
            raise self._garbage(f"announces a header of {length} bytes")
        if length > self._size - _LENGTH_BYTES:
            raise self._cut(f"announces a header of {length} bytes, and has {self._size} in all")
        return length

    def _parsed(self, raw: bytes) -> dict[str, Any]:
        # Counted before it is parsed: what the text can make is bounded by these signs.
        if raw.count(b"{") > TENSORS_MAX + 2 or raw.count(b",") > _COMMAS_MAX:
            raise self._garbage(f"announces more than {TENSORS_MAX} tensors")
        try:
            found = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            raise self._garbage("has a header that is not JSON") from error
        if not isinstance(found, dict) or raw[:1] != b"{":
            raise self._garbage("has a header that is not a JSON object")
        return found

    def _entries(self, found: dict[str, Any]) -> dict[str, Entry]:
        found.pop("__metadata__", None)
        return {name: self._entry(name, said) for name, said in found.items()}

    def _entry(self, name: str, said: Any) -> Entry:
        if not 0 < len(name) <= NAME_MAX:
            raise self._garbage(f"has a tensor whose name has {len(name)} letters")
        match said:
            case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [begin, end]} if all(
                type(number) is int for number in (*shape, begin, end)
            ):
                return self._checked(name, Entry(dtype, tuple(shape), begin, end))
        raise self._garbage(f"does not say what tensor {name!r} is")

    def _checked(self, name: str, entry: Entry) -> Entry:
        if entry.dtype not in DTYPE_BITS:
            raise self._garbage(f"gives tensor {name!r} the unknown type {entry.dtype[:32]!r}")
        if len(entry.shape) > DIMENSIONS_MAX or not _is_shape(entry.shape):
            raise self._garbage(f"gives tensor {name!r} an impossible shape")
        if entry.begin < 0 or 8 * entry.bytes != entry.elements * DTYPE_BITS[entry.dtype]:
            raise self._garbage(
                f"gives tensor {name!r} {entry.bytes} bytes for {entry.elements} {entry.dtype}"
            )
        return entry

    def _check_places(self, entries: dict[str, Entry], data_bytes: int) -> None:
        """Tensors lie one after the other, from the first byte of the data to the last."""
        expected = 0
        for name, entry in sorted(entries.items(), key=lambda one: (one[1].begin, one[1].end)):
            if entry.begin != expected:
                raise self._garbage(f"puts tensor {name!r} at {entry.begin}, expected {expected}")
            expected = entry.end
        if expected > data_bytes:
            raise self._cut(f"has {data_bytes} bytes of data, and its header tells of {expected}")
        if expected < data_bytes:
            raise self._garbage(f"has {data_bytes - expected} bytes that are no tensor's")

    def _cut(self, what: str) -> ModelFileError:
        return ModelFileTruncatedError(f"{self._name}: {what}")

    def _garbage(self, what: str) -> ModelFileError:
        return garbage(f"{self._name}: not a valid safetensors file: it {what}")


def _is_shape(shape: tuple[int, ...]) -> bool:
    elements = 1
    for side in shape:
        elements *= side
        if not 0 <= elements <= ELEMENTS_MAX:
            return False
    return all(side >= 0 for side in shape)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found
