"""A file of this disk is copied in one state, hashed on the way, and left as it was."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.errors import DiskFullError, InvalidSourceError, ModelFileEmptyError
from stoker.models.download import copying
from stoker.models.download.copying import clone, copy_in, copy_some, hash_in_place
from stoker.models.download.events import Moved
from stoker.models.download.fetching import Fetched
from stoker.models.download.part import Part
from support.downloading import KIB, LIMITS, Ear

DATA = os.urandom(300 * KIB)
WHOLE = Fetched(f"sha256:{hashlib.sha256(DATA).hexdigest()}", len(DATA))
Patch = pytest.MonkeyPatch


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "m.gguf").write_bytes(DATA)
    return tmp_path / "m.gguf"


def both(one: Path, other: Path) -> tuple[bytes, bytes]:
    return one.read_bytes(), other.read_bytes()


def empty(folder: Path) -> Path:
    (folder / "empty").touch()
    return folder / "empty"


def raising(number: int) -> object:
    def fail(*_words: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("way", ["as it is here", "cloned", "in the kernel", "by hand"])
async def test_a_file_is_copied_in_whichever_way_works(
    source: Path, part: Part, told: Ear, monkeypatch: Patch, way: str
) -> None:
    if way == "cloned":
        monkeypatch.setattr(fcntl, "ioctl", lambda to, _code, _from: os.pwrite(to, DATA, 0))
        monkeypatch.setattr(os, "copy_file_range", raising(errno.EIO))
    elif way != "as it is here":
        monkeypatch.setattr(fcntl, "ioctl", raising(errno.EOPNOTSUPP))
    if way == "by hand":
        monkeypatch.setattr(os, "copy_file_range", raising(errno.EXDEV))
    monkeypatch.setattr(copying, "_STEP_BYTES", 100 * KIB)
    assert await copy_in(source, part, LIMITS, told) == WHOLE
    assert both(part.path, source) == (DATA, DATA)
    assert told.events[-1] == Moved(len(DATA), len(DATA))
    assert len(told.events) == 3


def test_a_real_fault_is_not_taken_for_a_file_system_that_cannot(
    source: Path, part: Part, monkeypatch: Patch
) -> None:
    with source.open("rb") as opened:
        monkeypatch.setattr(fcntl, "ioctl", raising(errno.EIO))
        with pytest.raises(OSError, match="Input/output"):
            clone(opened.fileno(), part.handle)
        monkeypatch.setattr(os, "copy_file_range", raising(errno.ENOSPC))
        with pytest.raises(OSError, match="space"):
            copy_some(opened.fileno(), part.handle, 0, 10)


async def test_what_is_no_file_is_not_copied(source: Path, part: Part, told: Ear) -> None:
    link, pipe = source.with_name("link"), source.with_name("pipe")
    link.symlink_to(source)
    os.mkfifo(pipe)
    for path in (link, pipe, source.parent, source.with_name("none")):
        with pytest.raises(InvalidSourceError):
            await copy_in(path, part, LIMITS, told)


async def test_an_empty_file_is_refused(tmp_path: Path, part: Part, told: Ear) -> None:
    with pytest.raises(ModelFileEmptyError):
        await copy_in(empty(tmp_path), part, LIMITS, told)


@pytest.mark.parametrize("change", [b"longer", b""])
async def test_a_file_that_changes_meanwhile_is_refused(
    source: Path, part: Part, monkeypatch: Patch, change: bytes
) -> None:
    monkeypatch.setattr(fcntl, "ioctl", raising(errno.EOPNOTSUPP))
    monkeypatch.setattr(copying, "_STEP_BYTES", 100 * KIB)

    def told(event: object) -> None:
        if event == Moved(100 * KIB, len(DATA)):
            source.write_bytes(DATA + change if change else b"")

    with pytest.raises(InvalidSourceError, match="changed while it was copied"):
        await copy_in(source, part, LIMITS, told)


async def test_room_is_looked_for_where_nothing_can_be_shared(
    source: Path, part: Part, told: Ear, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(fcntl, "ioctl", raising(errno.EOPNOTSUPP))
    with pytest.raises(DiskFullError):
        await copy_in(source, part, replace(LIMITS, spare_bytes=1 << 50), told)


async def test_a_file_is_hashed_where_it_is(source: Path, told: Ear) -> None:
    assert await hash_in_place(source, told) == WHOLE
    with pytest.raises(InvalidSourceError):
        await hash_in_place(source.parent, told)
