"""A large file is whole or not there, belongs to one process, and overwrites nothing unasked."""

from __future__ import annotations

import errno
import os
import stat
from collections import namedtuple
from pathlib import Path

import pytest

from stoker.core.errors import DiskFullError, InvalidRequestError
from stoker.files import aside
from stoker.files.aside import written_aside

DATA = b"whole" * 1000


def write(out: Path, **options: bool) -> None:
    with written_aside(out, **options) as file:
        file.write(DATA)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "model.gguf"


def test_the_file_is_whole_and_nothing_lies_beside_it(out: Path) -> None:
    write(out)
    assert out.read_bytes() == DATA
    assert list(out.parent.iterdir()) == [out]


def test_its_mode_is_what_the_person_set_for_new_files(out: Path) -> None:
    plain = out.with_name("plain")
    plain.touch()
    write(out)
    assert out.stat().st_mode == plain.stat().st_mode


def test_a_second_writer_of_one_file_is_refused_and_harms_nothing(out: Path) -> None:
    with written_aside(out) as file:
        file.write(DATA)
        with pytest.raises(InvalidRequestError, match="Another process"):
            write(out)
    assert out.read_bytes() == DATA


LEFT_OVER = ".model.gguf.0123abcd.part"


def test_what_a_killed_process_left_is_removed(out: Path) -> None:
    out.with_name(LEFT_OVER).write_bytes(b"x" * 100_000)
    write(out)
    assert out.read_bytes() == DATA
    assert list(out.parent.iterdir()) == [out]


def test_what_was_killed_after_it_had_its_name_harms_nothing(out: Path) -> None:
    out.write_bytes(b"mine")
    out.with_name(LEFT_OVER).hardlink_to(out)
    with pytest.raises(RuntimeError), written_aside(out, force=True):
        raise RuntimeError
    assert out.read_bytes() == b"mine"
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize(
    "name",
    ["model.gguf.part", ".model.gguf.part", ".other.gguf.0123abcd.part", ".model.gguf.mine.part"],
)
def test_a_file_of_somebody_else_is_left_alone(out: Path, name: str) -> None:
    theirs = out.with_name(name)
    theirs.write_bytes(b"half of a browser's download")
    write(out)
    assert theirs.read_bytes() == b"half of a browser's download"


def test_a_link_left_there_is_never_followed(out: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"mine")
    out.with_name(LEFT_OVER).symlink_to(mine)
    write(out)
    assert mine.read_bytes() == b"mine"


def test_whatever_came_to_lie_at_its_old_name_stays(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = Path.replace, []

    def replace(self: Path, target: Path) -> Path:
        placed = real(self, target)
        self.write_bytes(b"a successor's")
        seen.append(self)
        return placed

    monkeypatch.setattr(Path, "replace", replace)
    write(out, force=True)
    assert seen[0].read_bytes() == b"a successor's"


def test_one_that_is_swept_before_it_is_locked_is_made_again(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, swept = aside.lock_open, []

    def lock_open(handle: int, path: Path) -> bool:
        if not swept:
            swept.append(path)
            path.unlink()
        return real(handle, path)

    monkeypatch.setattr(aside, "lock_open", lock_open)
    write(out)
    assert swept
    assert out.read_bytes() == DATA


@pytest.mark.parametrize("force", [False, True])
def test_its_bytes_are_on_the_disk_before_it_has_its_name_and_its_name_afterwards(
    out: Path, monkeypatch: pytest.MonkeyPatch, *, force: bool
) -> None:
    real, synced = os.fsync, []

    def fsync(handle: int) -> None:
        state = os.fstat(handle)
        size = state.st_size if stat.S_ISREG(state.st_mode) else None
        synced.append((state.st_ino, size, out.exists()))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write(out, force=force)
    assert synced == [
        (out.stat().st_ino, len(DATA), False),
        (out.parent.stat().st_ino, None, True),
    ]


def test_a_file_that_appears_meanwhile_is_kept(out: Path) -> None:
    with pytest.raises(InvalidRequestError, match="exists"), written_aside(out):
        out.write_bytes(b"mine")
    assert out.read_bytes() == b"mine"
    assert list(out.parent.iterdir()) == [out]


def test_an_existing_file_is_replaced_with_force_alone(out: Path) -> None:
    out.write_bytes(b"mine")
    with pytest.raises(InvalidRequestError, match="exists") as caught:
        write(out)
    assert "--force" in caught.value.hint
    write(out, force=True)
    assert out.read_bytes() == DATA


def test_where_names_cannot_be_shared_the_file_still_gets_its_own(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", cannot)
    write(out)
    assert out.read_bytes() == DATA


def test_too_little_room_is_found_before_anything_is_written(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "free")(3 << 30)  # noqa: PYI024 - a stand-in
    monkeypatch.setattr(aside.shutil, "disk_usage", lambda _: usage)
    with (
        pytest.raises(DiskFullError, match=r"takes 4 GiB, and 3 GiB are free") as caught,
        written_aside(out, size_bytes=4 << 30),
    ):
        pytest.fail("the block was entered")
    assert "--out" in caught.value.hint
    assert not list(out.parent.iterdir())


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, DiskFullError, "no room"),
        (errno.EDQUOT, DiskFullError, "no room"),
        (errno.EIO, InvalidRequestError, "cannot be written"),
    ],
)
def test_what_the_system_says_is_our_error_and_leaves_nothing(
    out: Path, number: int, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words), written_aside(out):
        raise OSError(number, os.strerror(number))
    assert not list(out.parent.iterdir())


@pytest.mark.parametrize(
    ("name", "words"), [("nowhere/model.gguf", "no folder"), (".", "is a folder")]
)
def test_a_place_that_cannot_hold_a_file_is_named(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        write(tmp_path / name)


def test_a_really_full_disk_is_named(out: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(DiskFullError), written_aside(out):
        os.write(full, b"x")
    os.close(full)
    assert not list(out.parent.iterdir())
