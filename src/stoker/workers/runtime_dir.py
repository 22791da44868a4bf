"""The private folder of one worker, where its socket lies; it leaves nothing behind.

A folder is in use as long as its maker holds a lock on it; the kernel frees the lock of a dead
process, so `sweep` can tell what was left behind. The parent folder's own lock orders makers
and sweepers.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from stoker.core.errors import DiskFullError, HomeNotWritableError

SOCKET_NAME = "e.sock"
SOCKET_PATH_BYTES = 103  # the shortest limit of any platform, macOS; Linux takes 107
_PREFIX = "w-"


class RuntimeDirectory:
    """A fresh folder with mode 0700; `close` removes it with all it holds."""

    def __init__(self, path: Path, lock: int, made_for: Path | None) -> None:
        self.path = path
        self._lock: int | None = lock
        self._made_for = made_for

    @property
    def socket(self) -> Path:
        """Where the engine listens; short enough for any platform."""
        return self.path / SOCKET_NAME

    @classmethod
    def make(cls, directory: Path) -> RuntimeDirectory:
        """A folder under `directory`, or under a private temporary one if its path is too long.

        Raises:
            HomeNotWritableError: the folder cannot be made.
        """
        name = _PREFIX + secrets.token_hex(4)
        made_for = None
        try:
            if len(os.fsencode(directory.absolute() / name / SOCKET_NAME)) > SOCKET_PATH_BYTES:
                made_for = directory = Path(tempfile.mkdtemp(prefix="stoker-"))
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(directory):
                path = directory.absolute() / name
                path.mkdir(mode=0o700)
                lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
                fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise DiskFullError(f"no folder for a worker can be made: {error}") from error
            raise HomeNotWritableError(f"no folder for a worker can be made: {error}") from error
        return cls(path, lock, made_for)

    def close(self) -> None:
        """Remove the folder; safe to call again."""
        if self._lock is None:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)
        self._lock = None
        if self._made_for is not None:
            shutil.rmtree(self._made_for, ignore_errors=True)


def sweep(directory: Path) -> int:
    """Remove the workers' folders under `directory` whose makers are dead; how many there were."""
    if not directory.is_dir():
        return 0
    with _locked(directory):
        return sum(_remove_if_stale(path) for path in sorted(directory.glob(f"{_PREFIX}*")))


def _remove_if_stale(path: Path) -> bool:
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        shutil.rmtree(path, ignore_errors=True)
        return True
    finally:
        os.close(lock)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
