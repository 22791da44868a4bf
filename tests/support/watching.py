"""Waiting until something holds of a folder's files: the kernel tells of each change."""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Callable
from pathlib import Path

_CHANGES = 0x2 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200  # modify, close_write, moved, create, delete
_C = ctypes.CDLL(None, use_errno=True)


async def until(folder: Path, holds: Callable[[], bool], deadline_s: float) -> None:
    """Return once `holds()`, which is asked again whenever a file in `folder` has changed."""
    handle = _C.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hear() -> None:
        os.read(handle, 1 << 16)
        changed.set()

    loop.add_reader(handle, hear)
    try:
        if _C.inotify_add_watch(handle, bytes(folder), _CHANGES) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
        async with asyncio.timeout(deadline_s):
            while not holds():
                await changed.wait()
                changed.clear()
    finally:
        loop.remove_reader(handle)
        os.close(handle)
