"""A folder is private and its maker's, and what a dead maker left goes; nothing else does."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from stoker.files import owned_folder
from stoker.files.locks import held, try_lock_folder
from stoker.files.owned_folder import OwnedFolder, sweep


def names(parent: Path) -> set[str]:
    return {path.name for path in parent.iterdir()}


def test_it_is_private_and_removed_with_all_it_holds(tmp_path: Path) -> None:
    made = OwnedFolder.make(tmp_path / "new", "x-")
    assert made.path.name.startswith("x-")
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700
    (made.path / "large").touch()
    made.close()
    made.close()
    assert names(tmp_path / "new") == set()


def test_what_lives_what_is_no_folder_and_what_has_another_name_is_not_swept(
    tmp_path: Path,
) -> None:
    living = OwnedFolder.make(tmp_path, "x-")
    (tmp_path / "x-left").mkdir()
    (tmp_path / "x-left" / "large").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "x-file").touch()
    (tmp_path / "x-link").symlink_to(tmp_path / "other")
    assert sweep(tmp_path, "x-") == 1
    assert names(tmp_path) == {living.path.name, "other", "x-file", "x-link"}
    living.close()


def test_where_there_is_nothing_nothing_is_swept(tmp_path: Path) -> None:
    assert sweep(tmp_path / "none", "x-") == 0
    assert not (tmp_path / "none").exists()


def test_a_parent_that_is_a_link_is_taken_as_what_it_means(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    made = OwnedFolder.make(tmp_path / "link", "x-")
    assert sweep(tmp_path / "link", "x-") == 0
    assert names(tmp_path / "real") == {made.path.name}
    made.close()


@pytest.mark.parametrize("act", [OwnedFolder.make, sweep])
def test_makers_and_sweepers_wait_for_each_other_and_not_for_ever(
    tmp_path: Path, act: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owned_folder, "_WAIT_S", 0.0)
    handle = try_lock_folder(tmp_path)
    assert handle is not None
    with held(handle), pytest.raises(TimeoutError, match="holds it locked"):
        act(tmp_path, "x-")  # type: ignore[operator]
    assert names(tmp_path) == set()
