"""Locks between processes: `flock` on files that mean nothing but themselves, and on folders.

A lock ends with its process, however that ends, so no file left behind is ever mistaken for an
owner. A lock's file may be unlinked by whoever holds it exclusively: taking a lock therefore
checks that the file still has its name.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stoker.files.disk import private_folder

_POLL_S = 0.01


def try_lock(path: Path, *, shared: bool = False) -> int | None:
    """An open file that holds the lock at `path`; None when somebody else does.

    Closing the number that is returned frees the lock.

    Raises:
        OSError: the file cannot be made.
    """
    private_folder(path.parent)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    return _locked_or_closed(handle, path, shared=shared)


def try_lock_folder(path: Path) -> int | None:
    """As `try_lock`, of the folder `path` itself; nothing is made.

    Raises:
        OSError: there is no such folder; a link to one does not count.
    """
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    return _locked_or_closed(handle, path)


def lock_open(handle: int, path: Path, *, shared: bool = False) -> bool:
    """Whether the open file `handle`, which `path` names, is locked now.

    Not so where somebody else holds the lock, or unlinked the file meanwhile.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return _has_its_name(handle, path)


def wait_lock(path: Path, *, wait_s: float, shared: bool = False) -> int | None:
    """As `try_lock`, tried again for `wait_s` seconds."""
    return _wait(lambda: try_lock(path, shared=shared), wait_s)


def wait_lock_folder(path: Path, *, wait_s: float) -> int | None:
    """As `try_lock_folder`, tried again for `wait_s` seconds."""
    return _wait(lambda: try_lock_folder(path), wait_s)


@contextmanager
def held(handle: int) -> Iterator[None]:
    """Keep a lock for the length of a block."""
    try:
        yield
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Whether somebody, perhaps this process, holds the lock at `path`; makes no file."""
    if not path.exists():
        return False
    handle = try_lock(path)
    if handle is None:
        return True
    os.close(handle)
    return False


def _locked_or_closed(handle: int, path: Path, *, shared: bool = False) -> int | None:
    if lock_open(handle, path, shared=shared):
        return handle
    os.close(handle)
    return None


def _wait(attempt: Callable[[], int | None], wait_s: float) -> int | None:
    deadline = time.monotonic() + wait_s
    while (handle := attempt()) is None:
        if time.monotonic() >= deadline:
            return None
        time.sleep(_POLL_S)
    return handle


def _has_its_name(handle: int, path: Path) -> bool:
    """Whether `path` still names the open file: its last owner may have unlinked it."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False
