"""A folder under the home for files that mean nothing once their maker has ended.

Owns that nothing stays behind: the folder is removed with its block, and `sweep` removes those of
makers that were killed. A maker holds a lock in its folder, which the kernel frees; the parent's
lock orders makers and sweepers.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stoker.core.disk_errors import disk_errors
from stoker.core.errors import DiskFullError, HomeError
from stoker.core.units import format_bytes
from stoker.files.disk import private_folder
from stoker.files.locks import held, try_lock, wait_lock

_PREFIX = "c-"
_LOCK = "lock"
_LOCK_WAIT_S = 30.0


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A fresh private folder under `parent`, removed with all it holds at the end of the block.

    Raises:
        HomeError: it cannot be made.
    """
    with disk_errors(parent):
        with _ordered(parent):
            path = private_folder(parent / (_PREFIX + secrets.token_hex(4)))
            handle = try_lock(path / _LOCK)
        if handle is None:
            raise HomeError(f"{path} is somebody else's")
    try:
        with held(handle):
            yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sweep(parent: Path) -> int:
    """Remove the folders under `parent` whose makers are dead; how many there were."""
    if not parent.is_dir():
        return 0
    with disk_errors(parent), _ordered(parent):
        return sum(_remove_if_stale(path) for path in sorted(parent.glob(f"{_PREFIX}*")))


def check_room(folder: Path, needed_bytes: int) -> None:
    """Refuse what will not fit on the disk of `folder`.

    Raises:
        DiskFullError: with both figures.
    """
    with disk_errors(folder):
        free = shutil.disk_usage(folder).free
    if needed_bytes > free:
        raise DiskFullError(
            f"{format_bytes(needed_bytes)} of files would be made in {folder}, and "
            f"{format_bytes(free)} are free"
        )


@contextmanager
def _ordered(parent: Path) -> Iterator[None]:
    handle = wait_lock(parent / _LOCK, wait_s=_LOCK_WAIT_S)
    if handle is None:
        raise HomeError(f"{parent / _LOCK} is held by another command")
    with held(handle):
        yield


def _remove_if_stale(path: Path) -> bool:
    if path.is_symlink() or not path.is_dir():
        return False
    handle = try_lock(path / _LOCK)
    if handle is None:
        return False
    shutil.rmtree(path, ignore_errors=True)
    os.close(handle)
    return True
