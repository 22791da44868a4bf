"""Memory under its real limits, from recorded files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.units import KIB
from stoker.machine.memory import parse_meminfo, read_memory
from stoker.machine.system_files import Roots

Plant = Callable[[Mapping[str, str]], Roots]
MEMINFO = """\
MemTotal:       24684084 kB
MemFree:        18290976 kB
MemAvailable:   23019148 kB
SwapTotal:       2097148 kB
SwapFree:        1048576 kB
HugePages_Total:       0
Hugepagesize:       2048 kB
"""
PRESSURE = "some avg10={} avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 total=0\n"


def test_a_machine_without_limits(plant: Plant) -> None:
    memory = read_memory(plant({"proc/meminfo": MEMINFO}))
    assert memory.total_bytes == 24684084 * KIB
    assert memory.available_bytes == 23019148 * KIB
    assert (memory.swap_total_bytes, memory.swap_free_bytes) == (2097148 * KIB, 1 << 30)
    assert (memory.limit_bytes, memory.pressure) == (None, None)


def test_the_groups_limit_and_what_it_used_count(plant: Plant) -> None:
    limited = {
        "proc/meminfo": MEMINFO,
        "proc/self/cgroup": "0::/\n",
        "sys/fs/cgroup/memory.max": str(4 << 30),
        "sys/fs/cgroup/memory.current": str(1 << 30),
    }
    memory = read_memory(plant(limited))
    assert (memory.total_bytes, memory.limit_bytes) == (4 << 30, 4 << 30)
    assert memory.available_bytes == 3 << 30


def test_a_limit_beyond_the_machine_changes_nothing_but_is_told(plant: Plant) -> None:
    limit = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": str(1 << 50)}
    memory = read_memory(plant({"proc/meminfo": MEMINFO} | limit))
    assert (memory.total_bytes, memory.limit_bytes) == (24684084 * KIB, 1 << 50)


def test_the_worse_of_the_machines_and_the_groups_pressure_counts(plant: Plant) -> None:
    files = {
        "proc/meminfo": MEMINFO,
        "proc/pressure/memory": PRESSURE.format("2.00"),
        "proc/self/cgroup": "0::/g\n",
        "sys/fs/cgroup/g/memory.pressure": PRESSURE.format("12.50"),
    }
    assert read_memory(plant(files)).pressure == 0.125


def test_an_old_kernel_tells_free_memory_only(plant: Plant) -> None:
    old = "MemTotal: 1000 kB\nMemFree: 400 kB\n"
    assert read_memory(plant({"proc/meminfo": old})).available_bytes == 400 * KIB


def test_without_any_file_the_system_is_asked() -> None:
    memory = read_memory(Roots(Path("/none"), Path("/none")))
    assert memory.total_bytes > 0
    assert memory.available_bytes == memory.total_bytes


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    assert all(size >= 0 for size in parse_meminfo(text).values())


@pytest.mark.slow
@given(
    st.dictionaries(st.from_regex(r"[A-Za-z_()]{1,20}", fullmatch=True), st.integers(0, 1 << 50))
)
def test_every_size_is_read_back(rows: dict[str, int]) -> None:
    text = "".join(f"{name}:  {size} kB\n" for name, size in rows.items())
    assert parse_meminfo(text) == {name: size * KIB for name, size in rows.items()}
