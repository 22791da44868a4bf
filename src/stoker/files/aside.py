"""A large file that a person asked for: written aside piece by piece, then whole in its place.

Owns that `out` is whole or not there, and that nothing is overwritten or removed unasked. What is
written aside has a hidden name of its own, `.NAME.RANDOM.part`, and a lock, which the kernel frees:
what a killed process left is told from what another writes, and swept by the next one. What is
written is the caller's. Small files are `disk`'s.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from stoker.core.disk_errors import FULL
from stoker.core.errors import DiskFullError, InvalidRequestError, StokerError
from stoker.core.units import format_bytes
from stoker.files.disk import sync_folder
from stoker.files.locks import lock_open

_OTHER_OUT = "choose another --out."
_TRIES = 3
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


@contextmanager
def written_aside(out: Path, *, force: bool = False, size_bytes: int = 0) -> Iterator[BinaryIO]:
    """An open file that becomes `out` when the block ends well, and is removed when it does not.

    The file lies beside `out`, where its `name` says. `size_bytes` is what will be written, as far
    as that is known.

    Raises:
        InvalidRequestError: `out` exists and `force` is not given, another process writes it, or
            its folder cannot be written.
        DiskFullError: there is, or was, no room.
    """
    with _errors(out):
        check_free(out, force=force)
        _sweep(out)
        _check_room(out, size_bytes)
        file = _open_locked(out)
        part = Path(file.name)
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            _place(part, out, force=force)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        finally:
            # What is still buffered when the disk is full fails once more here; once is enough.
            with contextlib.suppress(OSError):
                file.close()
        sync_folder(out.parent)


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


def _open_locked(out: Path) -> BinaryIO:
    """A new file beside `out`, locked."""
    for _ in range(_TRIES):
        part = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
        file = part.open("x+b")
        if lock_open(file.fileno(), part):
            return file
        file.close()  # another process swept it before it was locked
    raise _busy(out)


def _sweep(out: Path) -> None:
    """Remove what killed processes left beside `out`; a link of theirs to `out` is but a name."""
    mine = re.compile(re.escape(f".{out.name}.") + "[0-9a-f]{8}[.]part")
    for path in out.parent.iterdir():
        if mine.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            _remove_if_stale(path, out)


def _remove_if_stale(part: Path, out: Path) -> None:
    gone_or_foreign = (FileNotFoundError, PermissionError)
    with contextlib.suppress(*gone_or_foreign), part.open("r+b") as file:
        if lock_open(file.fileno(), part):
            part.unlink()
        elif part.exists():
            raise _busy(out)


def _busy(out: Path) -> InvalidRequestError:
    hint = "wait for it, or choose another --out."
    return InvalidRequestError(f"Another process is writing {out}", hint=hint)


def _place(part: Path, out: Path, *, force: bool) -> None:
    """Give `part` its name; where `force` is not given, in one step that fails if it is taken."""
    if force or not _linked(part, out):
        check_free(out, force=force)
        part.replace(out)


def _linked(part: Path, out: Path) -> bool:
    """Whether `part` got the name `out` in place of its own; not where files have but one name."""
    try:
        out.hardlink_to(part)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        if error.errno == errno.EEXIST:
            check_free(out, force=False)
        raise
    part.unlink()
    return True
