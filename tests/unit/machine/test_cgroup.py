"""Limits of control groups, read from made-up trees of both versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from stoker.machine import cgroup

Tree = tuple[Path, Path]


@pytest.fixture
def v2(tmp_path: Path) -> Tree:
    group = tmp_path / "mount" / "a" / "b"
    group.mkdir(parents=True)
    own = tmp_path / "own"
    own.write_text("0::/a/b\n")
    return tmp_path / "mount", own


@pytest.fixture
def v1(tmp_path: Path) -> Tree:
    for controller in ("memory", "cpu"):
        (tmp_path / "mount" / controller / "a").mkdir(parents=True)
    own = tmp_path / "own"
    own.write_text("5:memory:/a\n4:cpu:/a\n3:pids:/elsewhere\n")
    return tmp_path / "mount", own


def test_the_smallest_limit_on_the_way_up_counts(v2: Tree) -> None:
    mount, _ = v2
    (mount / "a/b/memory.max").write_text("max\n")
    (mount / "a/memory.max").write_text("1000\n")
    (mount / "memory.max").write_text("2000\n")
    (mount / "a/b/cpu.max").write_text("max 100000\n")
    (mount / "a/cpu.max").write_text("150000 100000\n")
    assert cgroup.memory_limit_bytes(*v2) == 1000
    assert cgroup.cpu_quota(*v2) == 1.5


def test_pages_that_can_be_reclaimed_are_not_used(v2: Tree) -> None:
    mount, _ = v2
    (mount / "a/b/memory.current").write_text("900\n")
    (mount / "a/b/memory.stat").write_text("anon 5\ninactive_file 300\n")
    assert cgroup.memory_used_bytes(*v2) == 600


def test_the_first_version_is_read_too(v1: Tree) -> None:
    mount, _ = v1
    (mount / "memory/a/memory.limit_in_bytes").write_text("700\n")
    (mount / "memory/memory.limit_in_bytes").write_text("9223372036854771712\n")
    (mount / "memory/a/memory.usage_in_bytes").write_text("500\n")
    (mount / "memory/a/memory.stat").write_text("total_inactive_file 100\n")
    (mount / "cpu/a/cpu.cfs_quota_us").write_text("200000\n")
    (mount / "cpu/a/cpu.cfs_period_us").write_text("100000\n")
    assert cgroup.memory_limit_bytes(*v1) == 700
    assert cgroup.memory_used_bytes(*v1) == 400
    assert cgroup.cpu_quota(*v1) == 2.0


def test_no_limit_is_none(v1: Tree, tmp_path: Path) -> None:
    mount, _ = v1
    (mount / "memory/a/memory.limit_in_bytes").write_text("9223372036854771712\n")
    (mount / "cpu/a/cpu.cfs_quota_us").write_text("-1\n")
    for tree in (v1, (tmp_path / "none", tmp_path / "none")):
        assert cgroup.memory_limit_bytes(*tree) is None
        assert cgroup.cpu_quota(*tree) is None
        assert cgroup.memory_used_bytes(*tree) is None
