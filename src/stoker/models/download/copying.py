"""A file of this disk into a part: cloned where the file system can, else copied in the kernel.

Owns the copy, and that it is one state of the file: what changes meanwhile is refused. The digest
is taken of the copy, while it grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from stoker.core.disk_errors import disk_errors
from stoker.core.errors import InvalidSourceError, ModelFileEmptyError
from stoker.models.download.answers import Validators
from stoker.models.download.events import Moved, Told
from stoker.models.download.fetching import Fetched
from stoker.models.download.hashing import PrefixHasher
from stoker.models.download.limits import DownloadLimits
from stoker.models.download.part import Part, check_space

_FICLONE = 0x40049409  # linux/fs.h
_STEP_BYTES = 32 << 20
_HAND_BYTES = 1 << 20
# What file systems say when they cannot do it; the copy by hand then tells what is really wrong.
_CANNOT = frozenset(
    {
        *(errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EXDEV, errno.ENOSYS),
        *(errno.EPERM, errno.EACCES, errno.EISDIR, errno.ETXTBSY, errno.EBADF),
    }
)


async def copy_in(path: Path, part: Part, limits: DownloadLimits, told: Told) -> Fetched:
    """Bring the file `path`, which is no link, into `part`.

    Raises:
        InvalidSourceError: it is not a regular file, cannot be read, or changes meanwhile.
        ModelFileEmptyError: it holds nothing.
        HomeError: there is no room, or the part cannot be written.
    """
    part.start_over()
    with _opened(path) as source:
        before = os.fstat(source)
        size = before.st_size
        if not size:
            raise ModelFileEmptyError(f"{path.name}: the file is empty (0 bytes)")
        part.begin(size, Validators(), resumable=False)
        cloned = clone(source, part.handle)
        if not cloned:
            check_space(part.path.parent, size, limits.spare_bytes)
        with disk_errors(part.path):
            digest = await _hashed(None if cloned else source, part.handle, size, told)
        after = os.fstat(source)
    if (size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise _changed(path.name)
    return Fetched(digest, size)


async def hash_in_place(path: Path, told: Told) -> Fetched:
    """The digest and the size of the file `path`, which is no link and stays where it is.

    Raises:
        InvalidSourceError: it is not a regular file, or cannot be read.
    """
    with _opened(path) as source:
        size = os.fstat(source).st_size
        try:
            return Fetched(await _hashed(None, source, size, told), size)
        except OSError as error:
            raise _unreadable(path, error) from error


def clone(source: int, target: int) -> bool:
    """Whether the open file `target` shares the bytes of `source` now: some file systems can."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        return False
    return True


def copy_some(source: int, target: int, at: int, most: int) -> int:
    """Copy at most `most` bytes from `at` on; return how many: 0 where `source` has no more."""
    try:
        count = os.copy_file_range(source, target, most, at, at)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        count = 0
    return count or _copy_by_hand(source, target, at, min(most, _HAND_BYTES))


def _copy_by_hand(source: int, target: int, at: int, most: int) -> int:
    data = memoryview(os.pread(source, most, at))
    done = 0
    while done < len(data):
        done += os.pwrite(target, data[done:], at + done)
    return done


async def _hashed(source: int | None, target: int, size: int, told: Told) -> str:
    """The digest of `target`; of `source`, where there is one, all is copied there meanwhile."""
    hasher = PrefixHasher(target)
    try:
        at = 0
        while at < size:
            most = min(_STEP_BYTES, size - at)
            if source is not None:
                most = await _to_its_end(source, target, at, most)
            at += most
            hasher.advance(at)
            if source is None:
                await hasher.digest()
            told(Moved(at, size))
        return await hasher.digest()
    finally:
        hasher.close()


async def _to_its_end(source: int, target: int, at: int, most: int) -> int:
    """One step of the copy in a thread; over when this returns, also where it is cancelled."""
    step = asyncio.ensure_future(asyncio.to_thread(copy_some, source, target, at, most))
    try:
        count = await asyncio.shield(step)
    except asyncio.CancelledError:
        await asyncio.gather(step, return_exceptions=True)
        raise
    if not count:
        raise _changed("The file")
    return count


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:  # a pipe would let us wait for its writer
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise InvalidSourceError(f"{path} is not a regular file")
        yield handle
    finally:
        os.close(handle)


def _unreadable(path: Path, error: OSError) -> InvalidSourceError:
    return InvalidSourceError(f"{path} cannot be read: {error.strerror or error}")


def _changed(name: str) -> InvalidSourceError:
    return InvalidSourceError(f"{name} changed while it was copied", hint="try again")
