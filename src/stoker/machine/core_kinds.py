"""Which processors belong to performance cores, where a processor has cores of several kinds.

Owns the files by which a kernel tells kinds apart: Intel's hybrids by one folder for each kind, ARM
by each processor's capacity. What follows for threads is decided by whoever plans.
"""

from __future__ import annotations

from collections.abc import Mapping

from stoker.machine.system_files import Roots, parse_list, read_count, read_text

# Work is divided evenly and a step ends with its slowest thread, so as many cores again of a share
# `c` of the speed gain nothing where c is a half or less.
CAPACITY_SHARE_LEAST = 0.5


def performance_processors(allowed: frozenset[int], roots: Roots) -> frozenset[int]:
    """Those of `allowed` that belong to performance cores; all where the kernel tells no kinds.

    All, too, where only efficiency cores are allowed: there is nothing better among them.
    """
    fast = parse_list(read_text(roots.sys / "devices" / "cpu_core" / "cpus")) & allowed
    if not fast:
        fast = _of_great_capacity(_capacities(allowed, roots))
    return fast or allowed


def _capacities(allowed: frozenset[int], roots: Roots) -> dict[int, int]:
    folder = roots.sys / "devices" / "system" / "cpu"
    found = {number: read_count(folder / f"cpu{number}" / "cpu_capacity") for number in allowed}
    return {number: capacity for number, capacity in found.items() if capacity}


def _of_great_capacity(capacities: Mapping[int, int]) -> frozenset[int]:
    least = CAPACITY_SHARE_LEAST * max(capacities.values(), default=0)
    return frozenset(number for number, capacity in capacities.items() if capacity > least)
