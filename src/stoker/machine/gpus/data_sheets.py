"""What makers state of their GPUs: `gpus.toml`, where each figure has its source.

Owns finding an entry for a GPU that was read. A GPU that is not listed has no figure.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stoker.core.machine import Backend, Gpu
from stoker.core.units import GIB

_SHEETS = Path(__file__).with_name("gpus.toml")
_VARIANT = re.compile(r" \(\d+-core GPU\)$")
# A driver keeps some of a card's memory, more of it with error correction; a card of one name may
# come in two sizes, which differ by more.
_SIZE_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class GpuSheet:
    """One GPU as its maker states it; `memory_bytes` is None where it is the machine's own."""

    name: str
    backend: Backend
    memory_bytes: int | None
    bandwidth_bytes_s: float
    compute_capability: str
    integrated: bool
    source: str


def gpu_bandwidth_bytes_s(gpu: Gpu) -> float | None:
    """What the maker states for `gpu`, in bytes a second; None if it is not listed."""
    size = None if gpu.integrated else gpu.memory_total_bytes
    sheet = find_sheet(gpu.name, size)
    return None if sheet is None else sheet.bandwidth_bytes_s


def find_sheet(name: str, memory_bytes: int | None = None) -> GpuSheet | None:
    """The entry of the GPU that a driver calls `name` and that has about `memory_bytes`.

    An Apple chip whose GPU's cores are not told apart in the list is found without them.
    """
    names = {name, _VARIANT.sub("", name)}
    for sheet in gpu_sheets():
        if sheet.name in names and _same_size(sheet.memory_bytes, memory_bytes):
            return sheet
    return None


@cache
def gpu_sheets() -> tuple[GpuSheet, ...]:
    """All entries, in the file's order."""
    with _SHEETS.open("rb") as file:
        rows: list[dict[str, Any]] = tomllib.load(file)["gpu"]
    return tuple(
        GpuSheet(
            name=row["name"],
            backend=Backend(row["backend"]),
            memory_bytes=row["memory_gib"] * GIB if "memory_gib" in row else None,
            bandwidth_bytes_s=row["bandwidth_gb_s"] * 1e9,
            compute_capability=row.get("compute_capability", ""),
            integrated=row.get("integrated", False),
            source=row["source"],
        )
        for row in rows
    )


def _same_size(stated: int | None, read: int | None) -> bool:
    return stated is None or read is None or abs(read / stated - 1) <= _SIZE_TOLERANCE
