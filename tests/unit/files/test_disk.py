"""Bytes are sent on to the disk early where the system can, and nothing breaks where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from stoker.files import disk
from stoker.files.disk import begin_writing, read_within


def test_bytes_are_the_same_before_and_after(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb+") as file:
        file.write(bytes(range(256)) * 64)
        file.flush()
        begin_writing(file.fileno(), 0, 16384)
        begin_writing(file.fileno(), 1 << 40, 1 << 40)
        file.seek(0)
        assert file.read() == bytes(range(256)) * 64
    begin_writing(-1, 0, 1)


def test_a_system_without_the_call_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_sync_file_range", lambda: None)
    begin_writing(-1, 0, 1)


def test_a_file_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_bytes(b"12345")
    assert read_within(path, 5) == b"12345"
    assert read_within(path, 4) is None
    with pytest.raises(FileNotFoundError):
        read_within(tmp_path / "none", 5)
