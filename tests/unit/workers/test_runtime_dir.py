"""The worker's private folder: short, private, and gone afterwards."""

import os
import stat
from pathlib import Path

import pytest

from stoker.core.errors import HomeNotWritableError
from stoker.workers.runtime_dir import SOCKET_PATH_BYTES, RuntimeDirectory, sweep


def test_it_is_private_and_removed_with_all_it_holds(tmp_path: Path) -> None:
    made = RuntimeDirectory.make(tmp_path)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
    made.socket.touch()
    made.close()
    made.close()
    assert list(tmp_path.iterdir()) == []


def test_a_path_too_long_for_a_socket_is_replaced_by_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    made = RuntimeDirectory.make(deep)
    assert len(os.fsencode(made.socket)) <= SOCKET_PATH_BYTES
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700
    made.close()
    assert not made.path.parent.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeNotWritableError, match="no folder for a worker"):
        RuntimeDirectory.make(tmp_path / "file" / "under")


def test_sweep_spares_the_living_and_what_is_not_a_workers(tmp_path: Path) -> None:
    living = RuntimeDirectory.make(tmp_path)
    for name in ("w-left", "else"):
        (tmp_path / name).mkdir()
    assert sweep(tmp_path) == 1
    assert {path.name for path in tmp_path.iterdir()} == {living.path.name, "else"}
    living.close()


def test_sweeping_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert sweep(tmp_path / "none") == 0
