"""The store's disk: what is free, and reading that leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from stoker.core.units import MIB
from stoker.machine.disk import free_bytes
from stoker.machine.measured import disk_rate
from stoker.machine.measured.passes import CannotMeasureError, Limits

LIMITS = Limits(budget_s=0.0, extra_s=0.0, least=2, most=2)
SIZE = 2 * MIB


def test_free_space_is_that_of_the_folder_or_of_where_it_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def usage(path: Path) -> SimpleNamespace:
        if path != tmp_path:
            raise FileNotFoundError(path)
        return SimpleNamespace(free=77)

    monkeypatch.setattr("stoker.machine.disk.shutil.disk_usage", usage)
    assert free_bytes(tmp_path / "not" / "yet") == free_bytes(tmp_path) == 77
    assert free_bytes(Path("/elsewhere")) is None


def test_each_pass_has_a_rate_and_nothing_is_left(tmp_path: Path) -> None:
    passes = disk_rate.measure_reading(tmp_path, LIMITS, size_bytes=SIZE)
    assert len(passes) == 2
    assert min(passes) > 0
    assert list(tmp_path.iterdir()) == []


def test_a_system_that_cannot_pass_its_cache_by_is_asked_to_drop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped: list[int] = []
    monkeypatch.setattr(disk_rate, "_bypass_cache", lambda _: False)
    monkeypatch.setattr(disk_rate, "_FADV", lambda *args: dropped.append(args[-1]))
    assert len(disk_rate.measure_reading(tmp_path, LIMITS, size_bytes=SIZE)) == 2
    assert dropped == [os.POSIX_FADV_DONTNEED] * 2
    monkeypatch.setattr(disk_rate, "_FADV", None)
    with pytest.raises(CannotMeasureError, match="page cache"):
        disk_rate.measure_reading(tmp_path, LIMITS, size_bytes=SIZE)


def test_a_disk_with_little_room_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_rate, "free_bytes", lambda _: 4 * SIZE - 1)
    with pytest.raises(CannotMeasureError, match="free space"):
        disk_rate.measure_reading(tmp_path, LIMITS, size_bytes=SIZE)


def test_a_disk_that_writes_too_slowly_is_a_reason(tmp_path: Path) -> None:
    ticks = iter(range(0, 1000, 100))
    with pytest.raises(CannotMeasureError, match="too slowly"):
        disk_rate.measure_reading(tmp_path, LIMITS, size_bytes=64 * MIB, clock=lambda: next(ticks))
    assert list(tmp_path.iterdir()) == []
