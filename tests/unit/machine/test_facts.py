"""The machine as one value, from a recorded container and from what is here."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stoker.machine.facts import read_machine
from stoker.machine.system_files import Roots

Plant = Callable[[Mapping[str, str]], Roots]
CONTAINER = {
    "proc/cpuinfo": "model name : Some CPU\nflags : avx2 fma\n",
    "proc/meminfo": "MemTotal: 8388608 kB\nMemAvailable: 6291456 kB\nSwapTotal: 0 kB\n",
    "proc/self/cgroup": "0::/\n",
    "sys/fs/cgroup/cpu.max": "50000 100000\n",
    "sys/fs/cgroup/memory.max": str(1 << 30),
    "sys/fs/cgroup/memory.current": str(1 << 28),
    "sys/devices/system/node/online": "0-1\n",
}


def test_a_container_with_half_a_core_and_a_gibibyte(plant: Plant, tmp_path: Path) -> None:
    machine = read_machine(store=tmp_path / "models", roots=plant(CONTAINER))
    assert (machine.cpu, machine.features) == ("Some CPU", ("avx2", "fma"))
    assert (machine.cores, machine.quota_cores) == (1, 0.5)
    assert machine.memory_total_bytes == machine.memory_limit_bytes == 1 << 30
    assert machine.memory_available_bytes == 3 << 28
    assert (machine.numa_nodes, machine.memory_pressure) == (2, None)
    assert (machine.disk_free_bytes or 0) > 0
    assert machine.name == os.uname().nodename


def test_a_machine_that_tells_nothing_is_still_one() -> None:
    machine = read_machine(roots=Roots(Path("/none"), Path("/none")))
    assert machine.cores >= 1
    assert machine.memory_total_bytes > 0
    assert (machine.cpu, machine.features, machine.disk_free_bytes) == ("", (), None)


def test_gpus_are_asked_for_only_where_somebody_wants_them(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stoker.machine.gpus.detection.read_nvidia", pytest.fail)
    assert read_machine(roots=plant(CONTAINER)).gpus == ()


def test_gpus_come_with_what_their_maker_states(plant: Plant) -> None:
    node = "sys/class/kfd/kfd/topology/nodes/1/properties"
    device = "sys/class/drm/renderD128/device"
    roots = plant(
        CONTAINER
        | {
            node: "simd_count 192\ndrm_render_minor 128\ngfx_target_version 110000\n",
            f"{device}/mem_info_vram_total": str(24 << 30),
            f"{device}/product_name": "AMD Radeon RX 7900 XTX\n",
        }
    )
    gpus = read_machine(gpus=True, roots=roots).gpus
    assert [gpu.bandwidth_bytes_s for gpu in gpus if gpu.backend == "rocm"] == [960e9]
