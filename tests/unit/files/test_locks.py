"""Locks: one owner or many sharers, and never a file that lost its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stoker.files.locks import held, is_held, try_lock, try_lock_folder, wait_lock


def take(path: Path, *, shared: bool = False) -> int:
    handle = try_lock(path, shared=shared)
    assert handle is not None
    return handle


def test_one_owner_excludes_everybody(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held(take(path)):
        assert try_lock(path) is None
        assert try_lock(path, shared=True) is None
        assert is_held(path)
    assert not is_held(path)


def test_sharers_exclude_only_an_owner(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held(take(path, shared=True)), held(take(path, shared=True)):
        assert try_lock(path) is None


def test_waiting_has_an_end(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held(take(path)):
        assert wait_lock(path, wait_s=0) is None


def test_a_lock_whose_file_was_unlinked_excludes_nobody_who_comes_later(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held(take(path)):
        path.unlink()
        with held(take(path)):
            assert is_held(path)


def test_a_lock_taken_on_a_file_that_lost_its_name_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    real, done = os.open, []

    def opened(*words: object, **more: object) -> int:
        handle = real(*words, **more)  # type: ignore[arg-type]
        if not done:
            done.append(handle)
            path.unlink()  # its owner removed it between our open and our lock
        return handle

    os.open = opened  # type: ignore[assignment]
    try:
        assert try_lock(path) is None
    finally:
        os.open = real
    with held(take(path)):
        assert path.exists()


def test_a_folder_is_locked_itself_and_a_link_to_it_is_none(tmp_path: Path) -> None:
    folder, link = tmp_path / "folder", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    handle = try_lock_folder(folder)
    assert handle is not None
    with held(handle):
        assert try_lock_folder(folder) is None
    with pytest.raises(OSError, match=r"link|directory"):
        try_lock_folder(link)
    assert list(folder.iterdir()) == []


def test_asking_makes_no_file(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "none" / "lock")
    assert list(tmp_path.iterdir()) == []
