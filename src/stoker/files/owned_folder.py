"""A private folder that ends with its maker: removed by it, or by `sweep` where it was killed.

A maker holds a lock on its folder, which the kernel frees, so that what was left behind is told
from what is in use. The lock of the parent orders makers and sweepers: nobody sees a folder that
is made and not yet locked. What lies in it, and what errors are called, is its maker's.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stoker.files.disk import private_folder
from stoker.files.locks import held, try_lock_folder, wait_lock_folder

NAME_BYTES = 8  # what a folder's name has beyond its prefix
_WAIT_S = 30.0


class OwnedFolder:
    """A fresh folder with mode 0700; `close` removes it with all it holds."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock: int | None = lock

    @classmethod
    def make(cls, parent: Path, prefix: str) -> OwnedFolder:
        """A folder under `parent`, which is made too; its name begins with `prefix`.

        Raises:
            OSError: it cannot be made.
        """
        with _ordered(private_folder(parent)):
            path = parent.absolute() / (prefix + secrets.token_hex(NAME_BYTES // 2))
            path.mkdir(mode=0o700)
            lock = try_lock_folder(path)
        if lock is None:
            raise FileExistsError(errno.EEXIST, "somebody else took it", str(path))
        return cls(path, lock)

    def close(self) -> None:
        """Remove the folder; safe to call again."""
        if self._lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = None


def sweep(parent: Path, prefix: str) -> int:
    """Remove the folders under `parent` whose makers are dead; how many there were.

    Raises:
        OSError: `parent` cannot be read.
    """
    if not parent.is_dir():
        return 0
    with _ordered(parent):
        return sum(_remove_if_stale(path) for path in sorted(parent.glob(f"{prefix}*")))


@contextmanager
def _ordered(parent: Path) -> Iterator[None]:
    handle = wait_lock_folder(parent.resolve(), wait_s=_WAIT_S)
    if handle is None:
        raise TimeoutError(errno.ETIMEDOUT, "another process holds it locked", str(parent))
    with held(handle):
        yield


def _remove_if_stale(path: Path) -> bool:
    try:
        handle = try_lock_folder(path)
    except OSError:  # a file, a link, or gone
        return False
    if handle is None:
        return False
    with held(handle):
        shutil.rmtree(path, ignore_errors=True)
    return True
