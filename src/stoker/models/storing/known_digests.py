"""The digests of files outside the store, so that each is hashed once.

Owns one private file, bounded, that several processes may read and write. A file is known by what
the system says of it (device, inode, size, time of change), so one that was touched is unknown
again. It is a memory, not a promise: what cannot be read or written is as good as not there.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stoker.files.disk import write_whole
from stoker.files.locks import held, wait_lock
from stoker.models.storing.manifest import is_digest

ENTRIES_MAX = 512
LOCK_WAIT_S = 1.0
_BYTES_MAX = 256 * ENTRIES_MAX


@dataclass(frozen=True, slots=True)
class Identity:
    """What the system says of a file; equal for the same bytes, as far as it can tell."""

    device: int
    inode: int
    size_bytes: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Identity:
        """That of the file at `path`.

        Raises:
            OSError: it is not there.
        """
        found = path.stat()
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

    @property
    def key(self) -> str:
        """As it is written down."""
        return f"{self.device}:{self.inode}:{self.size_bytes}:{self.changed_ns}"


class KnownDigests:
    """The memory at `file`; nothing is created before something is remembered."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def get(self, path: Path) -> str | None:
        """The digest of the file at `path`, if it was hashed and has not changed since."""
        try:
            return self._read().get(Identity.of(path).key)
        except OSError:
            return None

    def remember(self, identity: Identity, digest: str) -> None:
        """Note the digest of a file; the oldest are forgotten beyond `ENTRIES_MAX`."""
        with suppress(OSError):  # nothing depends on it but the time that the next hash takes
            lock = wait_lock(self._file.with_suffix(".lock"), wait_s=LOCK_WAIT_S)
            if lock is None:
                return
            with held(lock):
                known = {**self._read(), identity.key: digest}
                kept = dict(list(known.items())[-ENTRIES_MAX:])
                write_whole(self._file, json.dumps(kept, indent=1).encode())

    def _read(self) -> dict[str, str]:
        try:
            handle = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            with os.fdopen(handle, "rb") as file:
                data = file.read(_BYTES_MAX + 1)
            document = json.loads(data) if len(data) <= _BYTES_MAX else {}
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(document, dict):
            return {}
        return {key: value for key, value in document.items() if is_digest(value)}
