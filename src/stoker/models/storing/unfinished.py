"""The unfinished downloads of the store, as their journals tell of them; nothing is changed.

Each is all files of `parts` that share their name up to the first dot. Who may remove them, and
when, is for `housekeeping`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stoker.files.locks import is_held
from stoker.models.download.journal import BYTES_MAX, Journal
from stoker.models.storing.store import Store

LOCK = ".lock"
_BLOCK_BYTES = 512  # of `st_blocks`, whatever the file system's own are


@dataclass(frozen=True, slots=True)
class Unfinished:
    """One download that is not whole. `source` is empty and `size_bytes` None if nobody knows.

    `done_bytes` are there, of the file's `size_bytes`; `disk_bytes` is what it takes of the disk.
    `changed_unix_s` is when it last grew; `held` tells whether a process is at it now.
    """

    key: str
    source: str
    done_bytes: int
    size_bytes: int | None
    disk_bytes: int
    changed_unix_s: float
    held: bool


def unfinished(store: Store) -> list[Unfinished]:
    """Every unfinished download, the oldest first."""
    found = [_read(store.parts, key, files) for key, files in groups(store).items()]
    return sorted(found, key=lambda one: (one.changed_unix_s, one.key))


def groups(store: Store) -> dict[str, list[Path]]:
    """The files of each unfinished download, by its key."""
    found: dict[str, list[Path]] = {}
    for file in sorted(store.parts.iterdir()) if store.parts.is_dir() else ():
        found.setdefault(file.name.partition(".")[0], []).append(file)
    return found


def disk_bytes(files: Iterable[Path]) -> int:
    """What `files` take of the disk, holes left out, in bytes."""
    blocks = 0
    for file in files:
        with suppress(FileNotFoundError):
            blocks += file.lstat().st_blocks
    return blocks * _BLOCK_BYTES


def _read(folder: Path, key: str, files: list[Path]) -> Unfinished:
    journal = _journal(folder / f"{key}.json")
    times = [0.0]
    for file in files:
        with suppress(FileNotFoundError):
            times.append(file.lstat().st_mtime)
    return Unfinished(
        key=key,
        source=journal.source if journal else "",
        done_bytes=sum(end - start for start, end in journal.done) if journal else 0,
        size_bytes=journal.size_bytes if journal else None,
        disk_bytes=disk_bytes(files),
        changed_unix_s=max(times),
        held=is_held(folder / f"{key}{LOCK}"),
    )


def _journal(path: Path) -> Journal | None:
    try:
        with path.open("rb") as file:
            return Journal.from_json(file.read(BYTES_MAX + 1))
    except OSError:
        return None
