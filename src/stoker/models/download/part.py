"""One unfinished file of the store: its bytes, its journal, and the lock of whoever fetches it.

    parts/KEY.part   the bytes, each at its place
    parts/KEY.json   the journal: which of them are there, and of what state of the file
    parts/KEY.lock   held by the one process that fetches it

Owns these three. The journal never says more than what lies on the disk, also after a power cut:
bytes are brought to the disk before they are written down. Where bytes come from is for others.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from stoker.core.disk_errors import disk_errors
from stoker.core.errors import DiskFullError, HomeError
from stoker.core.units import format_bytes
from stoker.files.disk import private_folder, write_whole
from stoker.files.locks import try_lock
from stoker.models.download.answers import Validators
from stoker.models.download.events import Told, Waiting
from stoker.models.download.journal import BYTES_MAX, Journal
from stoker.models.download.limits import DownloadLimits, Timing
from stoker.models.download.ranges import Ranges

_NONE = Validators()


class Part:
    """The unfinished file `key` in `folder`, for whoever holds its lock; close it.

    `source` is what the journal says of where it comes from. `size` is None until it is known.
    """

    def __init__(self, folder: Path, key: str, source: str) -> None:
        self.path = private_folder(folder) / f"{key}.part"
        self._journal_path = folder / f"{key}.json"
        self._source = source[:1000]
        self.ranges = Ranges()
        self.size: int | None = None
        self.validators = _NONE
        self.resumable = False
        self._writing = threading.Lock()
        self._turn = 0  # a journal of an earlier turn is not written any more
        with disk_errors(self.path):
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._handle = os.open(self.path, flags, 0o600)
        self._take_up()

    @property
    def handle(self) -> int:
        """The open file."""
        return self._handle

    def begin(self, size: int | None, validators: Validators, *, resumable: bool) -> None:
        """What is fetched has `size` bytes, in the state that `validators` tell.

        Raises:
            HomeError: the file cannot be made.
        """
        self.size, self.validators, self.resumable = size, validators, resumable
        with disk_errors(self.path):
            os.ftruncate(self._handle, size or 0)

    def write(self, at: int, data: bytes) -> None:
        """Put `data` at its place.

        Raises:
            DiskFullError, HomeError: it cannot be written.
        """
        view = memoryview(data)
        with disk_errors(self.path):
            while view:
                count = os.pwrite(self._handle, view, at)
                self.ranges.add(at, at + count)
                at += count
                view = view[count:]

    def read(self, at: int, length: int) -> bytes:
        """`length` bytes from `at` on, or as many as there are."""
        with disk_errors(self.path):
            return os.pread(self._handle, length, at)

    def finish(self, size: int) -> None:
        """The file, whose size was not known, has `size` bytes."""
        self.size = size

    def start_over(self) -> None:
        """Forget every byte."""
        self.ranges, self.size, self.validators = Ranges(), None, _NONE
        self.resumable = False
        with disk_errors(self.path):
            self.forget()
            os.ftruncate(self._handle, 0)

    async def save(self) -> None:
        """Bring what is here to the disk, and write it down; the loop goes on meanwhile.

        Raises:
            HomeError: it cannot be written.
        """
        journal = self._snapshot()
        if journal is not None:
            await asyncio.to_thread(self._write_down, journal, self._turn)

    def save_now(self) -> None:
        """As `save`, at once."""
        journal = self._snapshot()
        if journal is not None:
            self._write_down(journal, self._turn)

    def close(self) -> None:
        """Let go of the file; it stays where it is."""
        with self._writing:
            self._turn += 1
            if self._handle >= 0:
                os.close(self._handle)
                self._handle = -1

    def remove(self) -> None:
        """Remove the file and its journal."""
        self.path.unlink(missing_ok=True)
        self.forget()

    def forget(self) -> None:
        """Remove the journal: the file is no more, or has gone elsewhere."""
        with self._writing:
            self._turn += 1
            self._journal_path.unlink(missing_ok=True)

    def _take_up(self) -> None:
        """Go on where another process stopped, or begin anew."""
        journal = self._read_journal()
        done = Ranges(journal.done if journal else ())
        if journal is None or os.fstat(self._handle).st_size < done.end:
            self.start_over()
            return
        self.ranges, self.size, self.validators = done, journal.size_bytes, journal.validators
        self.resumable = True
        with disk_errors(self.path):
            os.ftruncate(self._handle, journal.size_bytes)

    def _read_journal(self) -> Journal | None:
        try:
            with self._journal_path.open("rb") as file:
                return Journal.from_json(file.read(BYTES_MAX + 1))
        except OSError:
            return None

    def _snapshot(self) -> Journal | None:
        if self.size is None or not self.resumable or not self.ranges.covered:
            return None
        return Journal(self._source, self.size, self.validators, tuple(self.ranges))

    def _write_down(self, journal: Journal, turn: int) -> None:
        with self._writing, disk_errors(self.path):
            if turn == self._turn:
                os.fsync(self._handle)
                write_whole(self._journal_path, journal.to_json())


def _see_nothing() -> None:
    """Nobody looks."""


def check_space(folder: Path, needed: int, spare: int) -> None:
    """Nothing, where the disk of `folder` has room for `needed` bytes and `spare` ones.

    Raises:
        DiskFullError: it has not; the figures are in the message.
    """
    with disk_errors(folder):
        free = shutil.disk_usage(private_folder(folder)).free
    if needed + spare > free:
        raise DiskFullError(
            f"{format_bytes(needed)} are still to come, and {format_bytes(free)} are free on the"
            f" disk of {folder}; {format_bytes(spare)} of it stay free"
        )


async def claim(  # noqa: PLR0913 - the last says how far the other one is
    path: Path,
    name: str,
    limits: DownloadLimits,
    timing: Timing,
    told: Told,
    *,
    seen: Callable[[], None] = _see_nothing,
) -> int:
    """The lock at `path`, once no other process has it; close it. `name` is said while we wait.

    `seen` is called now and then while we wait.

    Raises:
        HomeError: the other has it for longer than anybody waits, or no lock can be made.
    """
    deadline = timing.clock.now() + limits.lock_wait_s
    waited = False
    while timing.clock.now() <= deadline:
        with disk_errors(path):
            handle = try_lock(path)
        if handle is not None:
            return handle
        if not waited:
            told(Waiting(name))
        waited = True
        seen()
        await timing.clock.sleep(limits.lock_poll_s)
    raise HomeError(
        f"Another process has fetched {name} for too long", hint="end it, and try again"
    )
