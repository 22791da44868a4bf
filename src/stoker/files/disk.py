"""How we touch the disk: private folders, whole small files or none.

Owns modes and fsync. What lies where belongs to whoever writes; large files are `aside`'s.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

ASIDE = ".aside-"
_WRITE = 2  # SYNC_FILE_RANGE_WRITE


@cache
def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    """The C library's call, which Python's own does not have."""
    import ctypes  # noqa: PLC0415 - only downloads need it

    call = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if call is not None:
        call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return call


def expanded(path: Path) -> Path:
    """`path` with its `~` replaced; as it is where nobody of that name has a home."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def read_within(path: Path, bytes_max: int) -> bytes | None:
    """What the file at `path` holds; None where that is more than `bytes_max`.

    Raises:
        OSError: it cannot be read.
        ValueError: no file can be called so.
    """
    with path.open("rb") as file:
        data = file.read(bytes_max + 1)
    return data if len(data) <= bytes_max else None


def private_folder(path: Path) -> Path:
    """`path` itself, made for its owner only where it was not there."""
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path`: written aside, on the disk, then renamed; mode 0600.

    Whoever reads `path` sees the old bytes or the new ones. A crash leaves at most a file whose
    name begins with `ASIDE`.
    """
    folder = private_folder(path.parent)
    handle, aside = tempfile.mkstemp(prefix=ASIDE, dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    sync_folder(folder)


def sync_file(path: Path) -> None:
    """Bring a regular file's bytes to the disk, and make it its owner's only.

    Raises:
        OSError: no such file, or a link (ELOOP), which the store never follows.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(handle, 0o600)
        os.fsync(handle)
    finally:
        os.close(handle)


def begin_writing(handle: int, at: int, length: int) -> None:
    """Let the system begin to write these bytes to the disk, and return at once.

    What is written while the rest still comes need not be waited for at the end. Nothing, where
    the system knows no such call: it is a matter of speed alone.
    """
    call = _sync_file_range()
    if call is not None:
        call(handle, at, length, _WRITE)


def sync_folder(path: Path) -> None:
    """Bring a folder's names to the disk, so that a rename outlives a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems cannot
            raise
    finally:
        os.close(handle)
