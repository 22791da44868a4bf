"""Limits of control groups, read from recorded trees of both versions and of both together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoker.machine import cgroup
from stoker.machine.system_files import Roots

Plant = Callable[[Mapping[str, str]], Roots]

V2 = {"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cgroup.procs": ""}
V1 = {"proc/self/cgroup": "5:memory:/a\n4:cpu,cpuacct:/a\n3:pids:/elsewhere\n"}
UNLIMITED = "9223372036854771712\n"


def v2(**files: str) -> dict[str, str]:
    """`b__memory_max` is `memory.max` of the group b."""
    places = {"b": "a/b", "a": "a", "top": ""}
    named = ((key.partition("__"), text) for key, text in files.items())
    return V2 | {
        f"sys/fs/cgroup/{places[place]}/{name.replace('_', '.', 1)}": text
        for (place, _, name), text in named
    }


def test_the_smallest_limit_on_the_way_up_counts(plant: Plant) -> None:
    roots = plant(
        v2(
            b__memory_max="max\n",
            a__memory_max="1000\n",
            top__memory_max="2000\n",
            b__cpu_max="max 100000\n",
            a__cpu_max="150000 100000\n",
        )
    )
    assert cgroup.memory_limit_bytes(roots) == 1000
    assert cgroup.cpu_quota(roots) == 1.5


def test_a_throttling_mark_is_as_good_as_a_limit(plant: Plant) -> None:
    roots = plant(v2(b__memory_max="1000", b__memory_high="700", b__memory_current="100"))
    assert cgroup.memory_limit_bytes(roots) == 700
    assert cgroup.memory_room_bytes(roots) == 600


def test_room_is_what_the_fullest_group_leaves_and_reclaimable_pages_are_free(plant: Plant) -> None:
    roots = plant(
        v2(
            b__memory_max="900",
            b__memory_current="500",
            b__memory_stat="anon 5\ninactive_file 300\n",
            a__memory_max="1000",
            a__memory_current="950",
        )
    )
    assert cgroup.memory_room_bytes(roots) == 50


def test_a_group_beyond_its_limit_has_no_room(plant: Plant) -> None:
    roots = plant(v2(b__memory_max="100", b__memory_current="200"))
    assert cgroup.memory_room_bytes(roots) == 0


def test_the_first_version_is_read_too(plant: Plant) -> None:
    roots = plant(
        V1
        | {
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "700\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": UNLIMITED,
            "sys/fs/cgroup/memory/a/memory.usage_in_bytes": "500\n",
            "sys/fs/cgroup/memory/a/memory.stat": "inactive_file 7\ntotal_inactive_file 100\n",
            "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "200000\n",
            "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n",
        }
    )
    assert cgroup.memory_limit_bytes(roots) == 700
    assert cgroup.memory_room_bytes(roots) == 300
    assert cgroup.cpu_quota(roots) == 2.0


def test_both_versions_side_by_side(plant: Plant) -> None:
    """A hybrid mount has v2 under `unified`; limits may stand in either."""
    roots = plant(
        {
            "proc/self/cgroup": "4:memory:/a\n0::/s\n",
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "700\n",
            "sys/fs/cgroup/unified/s/cpu.max": "50000 100000\n",
        }
    )
    assert cgroup.memory_limit_bytes(roots) == 700
    assert cgroup.cpu_quota(roots) == 0.5


@pytest.mark.parametrize("path", ["/docker/0123", "/../../outside", "/"])
def test_in_a_container_the_hosts_path_leads_to_the_containers_own_limits(
    plant: Plant, path: str
) -> None:
    roots = plant({"proc/self/cgroup": f"0::{path}\n", "sys/fs/cgroup/memory.max": "300\n"})
    assert cgroup.memory_limit_bytes(roots) == 300


def test_no_limit_is_none(plant: Plant) -> None:
    free = plant(
        V1
        | {
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes": UNLIMITED,
            "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n",
        }
    )
    nowhere = Roots(Path("/none"), Path("/none"))
    for roots in (free, nowhere):
        assert cgroup.memory_limit_bytes(roots) is None
        assert cgroup.memory_room_bytes(roots) is None
        assert cgroup.cpu_quota(roots) is None
        assert cgroup.memory_pressure(roots) == ""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
def test_no_content_of_a_file_breaks_it(plant: Plant, text: str) -> None:
    roots = plant(
        v2(
            b__memory_max=text,
            b__memory_current=text,
            b__memory_stat=f"inactive_file {text}",
            b__cpu_max=text,
            a__cpu_max=f"{text} 0",
            top__cpu_max=f"0 {text}",
        )
        | {"proc/self/cgroup": f"0::/a/b\n{text}"}
    )
    limit, room = cgroup.memory_limit_bytes(roots), cgroup.memory_room_bytes(roots)
    assert limit is None or limit >= 0
    assert room is None or room >= 0
    quota = cgroup.cpu_quota(roots)
    assert quota is None or quota > 0
