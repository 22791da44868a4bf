"""A folder under the home for files that mean nothing once their maker has ended.

Owns what such a folder is called and that its files fit. That nothing stays behind is
`stoker.files.owned_folder`'s.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stoker.core.disk_errors import disk_errors
from stoker.core.errors import DiskFullError
from stoker.core.units import format_bytes
from stoker.files import owned_folder
from stoker.files.owned_folder import OwnedFolder

_PREFIX = "c-"


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A fresh private folder under `parent`, removed with all it holds at the end of the block.

    Raises:
        HomeError: it cannot be made.
    """
    with disk_errors(parent):
        folder = OwnedFolder.make(parent, _PREFIX)
    try:
        yield folder.path
    finally:
        folder.close()


def sweep(parent: Path) -> int:
    """Remove the folders under `parent` whose makers are dead; how many there were.

    Raises:
        HomeError: `parent` cannot be read.
    """
    with disk_errors(parent):
        return owned_folder.sweep(parent, _PREFIX)


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
