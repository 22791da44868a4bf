"""The disk that holds the store: what is free on it."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path


def free_bytes(folder: Path) -> int | None:
    """What may still be written to the disk that holds `folder`, or will; None if untold."""
    for path in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(path).free
    return None
