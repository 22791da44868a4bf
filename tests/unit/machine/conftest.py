"""Recorded trees of `/proc` and `/sys`, written where a test wants them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stoker.machine.system_files import Roots

Plant = Callable[[Mapping[str, str]], Roots]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """`plant({"proc/meminfo": "..."})`: those files, and the roots that they lie under."""

    def write(files: Mapping[str, str]) -> Roots:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Roots(tmp_path / "proc", tmp_path / "sys")

    return write
