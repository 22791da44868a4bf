"""The first bytes of a file, as many as a header's reader turns out to need, here or far away.

Owns how the prefix grows and where it ends. What the bytes mean is the reader's: it is called again
with a longer prefix whenever it raises `MoreNeeded`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from stoker.core.errors import (
    ModelFileEmptyError,
    ModelFileGarbageError,
    ModelFileMissingError,
    ModelFileTruncatedError,
)

FIRST_BYTES = 1 << 20
GROWTH = 4

ReadRange = Callable[[int, int], Awaitable[bytes]]
T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class MoreNeeded(Exception):  # noqa: N818 - a request to the driver, never an error to a person
    """The reader needs at least the file's first `bytes_min` bytes."""

    def __init__(self, bytes_min: int) -> None:
        super().__init__(bytes_min)
        self.bytes_min = bytes_min


class Reader(Protocol[T_co]):
    """Reads a header from a prefix; may keep what it has read already between two calls."""

    def read(self, data: bytes) -> T_co:
        """The header, from the file's first bytes; raises MoreNeeded when they are too few."""
        ...


def next_bytes(have: int, bytes_min: int, size: int, most: int) -> int:
    """How long the prefix shall be next, in bytes: at least `bytes_min`, four times what it was."""
    return min(max(bytes_min, have * GROWTH, FIRST_BYTES), max(most, bytes_min), size)


def read_local(path: Path, most: int, reader: Callable[[int], Reader[T]]) -> T:
    """What `reader` (made for the file's size) reads from the file `path`.

    Raises:
        ModelFileMissingError: it does not exist, is not a file, or may not be read.
        ModelFileEmptyError: it holds nothing.
        ModelFileError: what the reader raises.
    """
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for its writer
            raise ModelFileMissingError(f"{path.name}: not a regular file")
        with path.open("rb") as file:
            return _grow(path.name, file, most, reader)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelFileMissingError(f"{path.name}: cannot be read: {reason}") from error


def _grow(name: str, file: BinaryIO, most: int, make: Callable[[int], Reader[T]]) -> T:
    size = file.seek(0, 2)
    check_not_empty(name, size)
    file.seek(0)
    reader = make(size)
    # Read, not mapped: a mapped file that somebody cuts short meanwhile would kill this process.
    data = _whole(name, file.read(next_bytes(0, 1, size, most)), next_bytes(0, 1, size, most))
    while True:  # ends: each round is longer, and a reader asks for no more than the file has
        try:
            return reader.read(data)
        except MoreNeeded as need:
            count = _more(name, len(data), need.bytes_min, size, most)
            data += _whole(name, file.read(count), count)


async def read_remote(
    name: str, size: int, read: ReadRange, most: int, make: Callable[[int], Reader[T]]
) -> T:
    """What a reader reads from a far file of `size` bytes through `read(offset, length)`.

    Raises:
        ModelFileError: what the reader raises, or a range that came back short.
    """
    check_not_empty(name, size)
    reader = make(size)
    count = next_bytes(0, 1, size, most)
    data = _whole(name, await read(0, count), count)
    while True:
        try:
            return reader.read(data)
        except MoreNeeded as need:
            count = _more(name, len(data), need.bytes_min, size, most)
            data += _whole(name, await read(len(data), count), count)


def check_not_empty(name: str, size: int) -> None:
    """Raise ModelFileEmptyError where a file has no bytes."""
    if size <= 0:
        raise ModelFileEmptyError(f"{name}: the file is empty (0 bytes)")


def _more(name: str, have: int, bytes_min: int, size: int, most: int) -> int:
    if not have < bytes_min <= size:
        raise ModelFileGarbageError(f"{name}: has a header that cannot be read")
    return next_bytes(have, bytes_min, size, most) - have


def _whole(name: str, data: bytes, count: int) -> bytes:
    if len(data) < count:
        raise ModelFileTruncatedError(f"{name}: became shorter while it was read")
    return data[:count]
