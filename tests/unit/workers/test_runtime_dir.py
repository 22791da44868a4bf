"""The worker's private folder: short, private, and gone afterwards."""

import os
import stat
import subprocess
import sys
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


def test_sweep_takes_what_the_dead_left_and_spares_the_living(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path;"
        "from stoker.workers.runtime_dir import RuntimeDirectory;"
        "RuntimeDirectory.make(Path(sys.argv[1])).socket.touch(); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    living = RuntimeDirectory.make(tmp_path)
    (tmp_path / "else").mkdir()
    assert len(list(tmp_path.glob("w-*"))) == 2
    assert sweep(tmp_path) == 1
    assert living.path.exists()
    assert (tmp_path / "else").exists()
    living.close()


def test_sweeping_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert sweep(tmp_path / "none") == 0
