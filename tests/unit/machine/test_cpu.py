"""Cores that may be used, from recorded trees: threads, affinity, quota, offline processors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stoker.machine.cpu import cache_bytes, numa_nodes, read_cpu
from stoker.machine.system_files import HERE, Roots

Plant = Callable[[Mapping[str, str]], Roots]
CPUS = "sys/devices/system/cpu"


def siblings(*pairs: str) -> dict[str, str]:
    """The topology of processors 0, 1, ...: who shares a core with whom."""
    return {
        f"{CPUS}/cpu{number}/topology/thread_siblings_list": f"{pair}\n"
        for number, pair in enumerate(pairs)
    }


def quota(text: str) -> dict[str, str]:
    return {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": text}


def test_two_threads_of_one_core_are_one_core(plant: Plant) -> None:
    roots = plant(siblings("0,2", "1,3", "0,2", "1,3"))
    cpu = read_cpu(roots, frozenset({0, 1, 2, 3}))
    assert (cpu.cores, cpu.threads) == (2, 4)


def test_only_processors_that_this_process_may_use_count(plant: Plant) -> None:
    roots = plant(siblings("0,2", "1,3", "0,2", "1,3"))
    assert read_cpu(roots, frozenset({0, 2})).cores == 1
    assert read_cpu(roots, frozenset({0, 1})).cores == 2


def test_an_offline_processor_has_no_topology_and_is_not_allowed(plant: Plant) -> None:
    files = siblings("0-1", "0-1", "2") | {f"{CPUS}/offline": "3\n", f"{CPUS}/cpu3/online": "0\n"}
    cpu = read_cpu(plant(files), frozenset({0, 1, 2}))
    assert (cpu.cores, cpu.threads) == (2, 3)


@pytest.mark.parametrize(
    ("text", "cores", "share"),
    [("250000 100000", 2, 2.5), ("50000 100000", 1, 0.5), ("max 100000", 4, None)],
)
def test_a_quota_lessens_the_cores_to_one_at_the_least(
    plant: Plant, text: str, cores: int, share: float | None
) -> None:
    cpu = read_cpu(plant(siblings("0", "1", "2", "3") | quota(text)), frozenset(range(4)))
    assert (cpu.cores, cpu.threads, cpu.quota_cores) == (cores, 4, share)


def test_without_any_file_each_processor_is_a_core() -> None:
    nowhere = Roots(Path("/none"), Path("/none"))
    cpu = read_cpu(nowhere, frozenset({0, 5}))
    assert (cpu.model, cpu.features, cpu.cores, cpu.threads) == ("", (), 2, 2)
    assert (numa_nodes(nowhere), cache_bytes(nowhere)) == (1, 0)


@pytest.mark.parametrize(("text", "nodes"), [("0-1\n", 2), ("0,2-3\n", 3), ("", 1), ("?", 1)])
def test_nodes_with_memory_are_counted(plant: Plant, text: str, nodes: int) -> None:
    assert numa_nodes(plant({"sys/devices/system/node/has_memory": text})) == nodes


def test_shared_last_level_caches_count_once(plant: Plant) -> None:
    files: dict[str, str] = {}
    for cpu, shared in enumerate(("0-1", "0-1", "2-3", "2-3")):
        cache = f"{CPUS}/cpu{cpu}/cache"
        files |= {
            f"{cache}/index0/level": "1",
            f"{cache}/index0/size": "48K",
            f"{cache}/index0/shared_cpu_list": str(cpu),
            f"{cache}/index3/level": "3",
            f"{cache}/index3/size": "32768K",
            f"{cache}/index3/shared_cpu_list": shared,
        }
    assert cache_bytes(plant(files)) == 2 * 32 * 1024 * 1024


def capacities(*values: int) -> dict[str, str]:
    return {f"{CPUS}/cpu{number}/cpu_capacity": f"{one}\n" for number, one in enumerate(values)}


HYBRID = siblings("0-1", "0-1", "2-3", "2-3", "4", "5", "6", "7") | {
    "sys/devices/cpu_core/cpus": "0-3\n",
    "sys/devices/cpu_atom/cpus": "4-7\n",
}
EVERY = frozenset(range(8))


def test_efficiency_cores_of_a_hybrid_are_told_apart(plant: Plant) -> None:
    cpu = read_cpu(plant(HYBRID), EVERY)
    assert (cpu.cores, cpu.efficiency_cores, cpu.threads) == (6, 4, 8)


@pytest.mark.parametrize(
    ("allowed", "cores", "slow"),
    [({0, 1, 4}, 2, 1), ({0, 2}, 2, 0), ({4, 5, 6}, 3, 0)],
)
def test_only_cores_that_may_be_used_are_told_apart(
    plant: Plant, allowed: set[int], cores: int, slow: int
) -> None:
    """Where only efficiency cores may be used, nothing is slower than the rest."""
    cpu = read_cpu(plant(HYBRID), frozenset(allowed))
    assert (cpu.cores, cpu.efficiency_cores) == (cores, slow)


def test_a_quota_leaves_the_performance_cores(plant: Plant) -> None:
    roots = plant(HYBRID | quota("300000 100000"))
    cpu = read_cpu(roots, EVERY)
    assert (cpu.cores, cpu.efficiency_cores) == (3, 1)


@pytest.mark.parametrize(
    ("values", "slow"),
    [((1024, 1024, 250, 250), 2), ((1024, 870, 870, 250), 1), ((1024,) * 4, 0), ((700, 300), 1)],
)
def test_cores_of_half_the_capacity_or_less_are_efficiency_cores(
    plant: Plant, values: tuple[int, ...], slow: int
) -> None:
    cpu = read_cpu(plant(capacities(*values)), frozenset(range(len(values))))
    assert (cpu.cores, cpu.efficiency_cores) == (len(values), slow)


@pytest.mark.parametrize("text", ["", "?", "9-8", "99999999999999999999999"])
def test_kinds_that_cannot_be_read_are_none(plant: Plant, text: str) -> None:
    files = {"sys/devices/cpu_core/cpus": text, f"{CPUS}/cpu0/cpu_capacity": text}
    cpu = read_cpu(plant(files), frozenset({0, 1}))
    assert (cpu.cores, cpu.efficiency_cores) == (2, 0)


def test_this_machine_has_a_processor() -> None:
    cpu = read_cpu(HERE)
    assert 1 <= cpu.cores <= cpu.threads
