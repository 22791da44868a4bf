"""A large file that a person asked for: written aside piece by piece, then whole in its place.

Owns that `out` is whole or not there, that two processes never write one file, and that nothing is
overwritten unasked. What is written is the caller's. Small files of the store are `disk`'s.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from stoker.core.disk_errors import FULL
from stoker.core.errors import DiskFullError, InvalidRequestError, StokerError
from stoker.core.units import format_bytes
from stoker.models.disk import sync_folder

_OTHER_OUT = "choose another --out."
_TRIES = 3
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


@contextmanager
def written_aside(out: Path, *, force: bool = False, size_bytes: int = 0) -> Iterator[BinaryIO]:
    """An open file that becomes `out` when the block ends well, and is removed when it does not.

    The file lies beside `out` and is locked: a process that was killed leaves it to the next one.
    `size_bytes` is what will be written, as far as that is known.

    Raises:
        InvalidRequestError: `out` exists and `force` is not given, another process writes it, or
            its folder cannot be written.
        DiskFullError: there is, or was, no room.
    """
    part = part_of(out)
    with _errors(out):
        check_free(out, force=force)
        file = _open_locked(part, out)
        try:
            _check_room(out, size_bytes)
            yield file
            file.flush()
            os.fsync(file.fileno())
            _place(part, out, force=force)
        finally:
            part.unlink(missing_ok=True)
            # What is still buffered when the disk is full fails once more here; once is enough.
            with contextlib.suppress(OSError):
                file.close()
        sync_folder(out.parent)


def part_of(out: Path) -> Path:
    """The file beside `out` that is written until it is whole."""
    return out.with_name(f"{out.name}.part")


def check_free(out: Path, *, force: bool) -> None:
    """Raise InvalidRequestError where `out` may not be written: it is there and not to be lost."""
    if out.is_dir():
        raise InvalidRequestError(f"{out} is a folder", hint="name a file as --out.")
    if os.path.lexists(out) and not force:
        raise InvalidRequestError(f"{out} exists", hint="choose another --out, or give --force.")


@contextmanager
def _errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _translate(error, out) from error


def _translate(error: OSError, out: Path) -> StokerError:
    if error.errno in FULL:
        return _no_room(out)
    if error.errno == errno.ENOENT:
        return InvalidRequestError(f"There is no folder {out.parent}", hint="make it first.")
    return InvalidRequestError(
        f"{out} cannot be written: {error.strerror or error}", hint=_OTHER_OUT
    )


def _no_room(out: Path, needed: str = "") -> DiskFullError:
    hint = "free some space, or choose another --out."
    return DiskFullError(f"There is no room for {out}{needed}", hint=hint)


def _check_room(out: Path, size_bytes: int) -> None:
    free = shutil.disk_usage(out.parent).free
    if free < size_bytes:
        needed = f": it takes {format_bytes(size_bytes)}, and {format_bytes(free)} are free"
        raise _no_room(out, needed)


def _open_locked(part: Path, out: Path) -> BinaryIO:
    """The empty file `part`, which no other process has."""
    for _ in range(_TRIES):
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        file = os.fdopen(handle, "r+b")
        if _locked(handle) and _is_named(handle, part):
            file.truncate(0)
            return file
        file.close()
    raise InvalidRequestError(
        f"Another process is writing {out}", hint="wait for it, or choose another --out."
    )


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_named(handle: int, part: Path) -> bool:
    """Whether `part` is still the open file; its last owner may have given it its own name."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle), part.stat())
    return False


def _place(part: Path, out: Path, *, force: bool) -> None:
    """Give `part` its name; where `force` is not given, in one step that fails if it is taken."""
    if not force:
        try:
            out.hardlink_to(part)
        except FileExistsError:
            check_free(out, force=False)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            check_free(out, force=False)
        else:
            return
    part.replace(out)
