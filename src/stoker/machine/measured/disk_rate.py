"""How fast the disk that holds the store is read: large reads past the page cache.

As a cold load of a model reads. It writes a file of its own to read, without a name where the
system allows that, and leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from stoker.core.units import MIB
from stoker.machine.disk import free_bytes
from stoker.machine.measured.passes import CannotMeasureError, Limits, run_passes

BLOCK_BYTES = 8 * MIB
FILE_BYTES = 256 * MIB
FILE_BYTES_MIN = 16 * MIB
# Measuring must not be what fills the disk.
_FREE_FACTOR = 4
_WRITE_S = 1.5
_FADV = getattr(os, "posix_fadvise", None)


def measure_reading(
    folder: Path,
    limits: Limits,
    *,
    size_bytes: int = FILE_BYTES,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, ...]:
    """Bytes a second of each pass over a file of up to `size_bytes` in `folder`, in large blocks.

    Writing stops early on a slow disk; the part that was written is then read.

    Raises:
        CannotMeasureError: too little space, or nothing that this system can do passes the cache.
        OSError: the folder cannot be written.
    """
    free = free_bytes(folder)
    if free is None or free < _FREE_FACTOR * size_bytes:
        raise CannotMeasureError("the disk has too little free space for a file to read")
    with tempfile.TemporaryFile(dir=folder) as file:
        size = _write(file, size_bytes, clock)
        if size < min(size_bytes, FILE_BYTES_MIN):
            raise CannotMeasureError("the disk writes too slowly for a file to read")
        if not _bypass_cache(file.fileno()) and _FADV is None:
            raise CannotMeasureError("this system cannot read past its page cache")
        return run_passes(lambda: _read_all(file.fileno(), size), size, limits, clock)


def _write(file: BinaryIO, size_bytes: int, clock: Callable[[], float]) -> int:
    """Write up to `size_bytes` and have them on the disk; how many there are then."""
    block = memoryview(os.urandom(min(BLOCK_BYTES, size_bytes)))  # nothing that a disk could pack
    begun, written = clock(), 0
    while written < size_bytes and clock() - begun < _WRITE_S:
        written += os.write(file.fileno(), block[: size_bytes - written])
        os.fdatasync(file.fileno()) if hasattr(os, "fdatasync") else os.fsync(file.fileno())
    return written - written % mmap.PAGESIZE


def _bypass_cache(handle: int) -> bool:
    """Ask for reads past the page cache; whether the system agreed."""
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import fcntl  # noqa: PLC0415 - not there on Windows

        if hasattr(fcntl, "F_NOCACHE"):  # macOS
            fcntl.fcntl(handle, fcntl.F_NOCACHE, 1)
        else:
            flags = fcntl.fcntl(handle, fcntl.F_GETFL)
            fcntl.fcntl(handle, fcntl.F_SETFL, flags | os.O_DIRECT)
        return True
    return False


def _read_all(handle: int, size: int) -> None:
    """Read `size` bytes from the beginning; pages that the cache holds are let go before."""
    if _FADV is not None:
        _FADV(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.lseek(handle, 0, os.SEEK_SET)
    with _aligned_buffer(BLOCK_BYTES) as buffer:
        left = size
        while left > 0:
            count = os.readv(handle, [memoryview(buffer)[: min(left, BLOCK_BYTES)]])
            if count <= 0:
                raise OSError("the file ended early")
            left -= count


@contextlib.contextmanager
def _aligned_buffer(size: int) -> Iterator[mmap.mmap]:
    """Memory that begins with a page, as reading past the cache needs it."""
    with mmap.mmap(-1, size) as buffer:
        yield buffer
