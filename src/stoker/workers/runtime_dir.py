"""The private folder of one worker, where its socket lies.

Owns that the socket's path is short enough for any platform, and what errors are called. That
nothing stays behind is `stoker.files.owned_folder`'s.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from stoker.core.disk_errors import FULL
from stoker.core.errors import DiskFullError, HomeNotWritableError
from stoker.files import owned_folder
from stoker.files.owned_folder import NAME_BYTES, OwnedFolder

SOCKET_NAME = "e.sock"
SOCKET_PATH_BYTES = 103  # the shortest limit of any platform, macOS; Linux takes 107
_PREFIX = "w-"
_NAME = _PREFIX + NAME_BYTES * "0"


class RuntimeDirectory:
    """A fresh folder with mode 0700; `close` removes it with all it holds."""

    def __init__(self, folder: OwnedFolder, made_for: Path | None) -> None:
        self.path = folder.path
        self._folder = folder
        self._made_for = made_for

    @property
    def socket(self) -> Path:
        """Where the engine listens; short enough for any platform."""
        return self.path / SOCKET_NAME

    @classmethod
    def make(cls, directory: Path) -> RuntimeDirectory:
        """A folder under `directory`, or under a private temporary one if its path is too long.

        Raises:
            HomeNotWritableError, DiskFullError: the folder cannot be made.
        """
        made_for = None
        try:
            if len(os.fsencode(directory.absolute() / _NAME / SOCKET_NAME)) > SOCKET_PATH_BYTES:
                made_for = directory = Path(tempfile.mkdtemp(prefix="stoker-"))
            return cls(OwnedFolder.make(directory, _PREFIX), made_for)
        except OSError as error:
            kind = DiskFullError if error.errno in FULL else HomeNotWritableError
            raise kind(f"no folder for a worker can be made: {error}") from error

    def close(self) -> None:
        """Remove the folder; safe to call again."""
        self._folder.close()
        if self._made_for is not None:
            shutil.rmtree(self._made_for, ignore_errors=True)


def sweep(directory: Path) -> int:
    """Remove the workers' folders under `directory` whose makers are dead; how many there were.

    Raises:
        OSError: `directory` cannot be read.
    """
    return owned_folder.sweep(directory, _PREFIX)
