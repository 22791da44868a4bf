"""A model of several files answers, from a folder and from the store alike."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from stoker.testing.running import COMMAND
from stoker.testing.synthetic import write_split_model

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture
def split(tmp_path: Path) -> Path:
    (tmp_path / "split").mkdir()
    return write_split_model(tmp_path / "split" / "m.gguf", 3)


def stoker(home: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *map(str, words)],
        env={**os.environ, "STOKER_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )


def answer(home: Path, model: object) -> str:
    return stoker(home, "run", model, "hello", "--max-tokens", 4, "--temperature", 0).stdout


def test_it_answers_the_same_from_a_folder_and_from_the_store(tmp_path: Path, split: Path) -> None:
    home = tmp_path / "home"
    from_folder = answer(home, split)
    assert from_folder.strip()
    stoker(home, "pull", split.parent, "--as", "split")
    for file in split.parent.iterdir():
        file.unlink()
    assert answer(home, "split") == from_folder
    moved = home.rename(tmp_path / "moved")
    assert answer(moved, "split") == from_folder
