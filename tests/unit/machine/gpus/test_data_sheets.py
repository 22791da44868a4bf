"""Makers' figures: each has its source, agrees with its bus, and is found by the driver's name."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import stoker.machine
from stoker.core.machine import Backend, Gpu
from stoker.core.units import GIB
from stoker.machine.gpus.data_sheets import find_sheet, gpu_bandwidth_bytes_s, gpu_sheets

FOLDER = Path(stoker.machine.__file__).parent


def rows(file: str, table: str, rate: str) -> list[Any]:
    with (FOLDER / file).open("rb") as handle:
        found = tomllib.load(handle)[table]
    return [pytest.param(row, rate, id=f"{table}-{row['name']}") for row in found]


@pytest.mark.parametrize(
    ("row", "rate"),
    [
        *rows("gpus/gpus.toml", "gpu", "bandwidth_gb_s"),
        *rows("presets.toml", "machine", "memory_gb_s"),
    ],
)
def test_a_figure_has_a_source_and_agrees_with_its_bus(row: dict[str, Any], rate: str) -> None:
    """Makers round: 200 GB/s for a bus that carries 204.8."""
    assert len(row["source"]) > 20
    assert "," in row["source"]  # the maker, and what of it
    assert row[rate] == pytest.approx(row["bus_bits"] * row["rate_gt_s"] / 8, rel=0.03)


def test_every_entry_can_be_read_and_none_stands_twice() -> None:
    keys = [(sheet.name, sheet.memory_bytes) for sheet in gpu_sheets()]
    assert len(set(keys)) == len(keys) > 40
    assert all((sheet.memory_bytes is None) == sheet.integrated for sheet in gpu_sheets())


def gpu(name: str, size_gib: float, *, integrated: bool = False) -> Gpu:
    size = int(size_gib * GIB)
    return Gpu(name, Backend.CUDA, size, size, integrated=integrated)


@pytest.mark.parametrize(
    ("name", "size_gib", "gb_s"),
    [
        ("NVIDIA GeForce RTX 4090", 23.99, 1008),
        ("NVIDIA GeForce RTX 3060", 12, 360),
        ("NVIDIA GeForce RTX 3060", 8, None),  # another card of that name, with a narrower bus
        ("NVIDIA GeForce RTX 4090 Laptop GPU", 16, None),
        ("NVIDIA L4", 22.5, 300),  # less what error correction takes
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", 4.75, None),
        ("Unheard of", 1, None),
    ],
)
def test_a_gpu_is_found_by_its_name_and_size(
    name: str, size_gib: float, gb_s: float | None
) -> None:
    found = gpu_bandwidth_bytes_s(gpu(name, size_gib))
    assert found == (None if gb_s is None else pytest.approx(gb_s * 1e9))


@pytest.mark.parametrize(
    ("name", "gb_s"),
    [
        ("Apple M2 Max (38-core GPU)", 400),
        ("Apple M2 Max", 400),
        ("Apple M3 Max (30-core GPU)", 300),
        ("Apple M3 Max (40-core GPU)", 400),
        ("Apple M3 Max", None),  # which of the two?
    ],
)
def test_apple_chips_of_one_name_are_told_apart_by_their_cores(
    name: str, gb_s: float | None
) -> None:
    found = gpu_bandwidth_bytes_s(gpu(name, 20, integrated=True))
    assert found == (None if gb_s is None else pytest.approx(gb_s * 1e9))
    assert (find_sheet(name) is None) == (gb_s is None)
