"""Large files of a command never outlive it for long."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from stoker.comparing.scratch import check_room, scratch, sweep
from stoker.core.errors import DiskFullError


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def folders(parent: Path) -> list[Path]:
    return [path for path in parent.iterdir() if path.is_dir()]


def test_the_folder_is_private_and_gone_with_its_block(tmp_path: Path) -> None:
    with scratch(tmp_path / "s") as folder:
        (folder / "large").write_bytes(b"x")
        assert folder.stat().st_mode & 0o777 == 0o700
    assert folders(tmp_path / "s") == []


def test_an_error_removes_it_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), scratch(tmp_path / "s"):
        raise KeyboardInterrupt
    assert folders(tmp_path / "s") == []


def test_a_folder_in_use_is_not_swept(tmp_path: Path) -> None:
    with scratch(tmp_path) as mine, scratch(tmp_path) as other:
        assert sweep(tmp_path) == 0
        assert mine.is_dir()
        assert other.is_dir()


def test_what_a_dead_maker_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    left = tmp_path / "c-0123"
    left.mkdir()
    (left / "large").write_bytes(b"x")
    (tmp_path / "other").mkdir()
    (tmp_path / "c-link").symlink_to(tmp_path / "other")
    assert sweep(tmp_path) == 1
    assert {path.name for path in folders(tmp_path)} == {"other", "c-link"}


def test_what_does_not_fit_is_refused_with_both_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(9, 9, 5 << 20))
    check_room(tmp_path, 5 << 20)
    with pytest.raises(DiskFullError, match=r"6 MiB of files would be made.*5 MiB are free"):
        check_room(tmp_path, 6 << 20)
