"""Machines that are not here: named presets from makers' figures (`presets.toml`).

Owns what is assumed of a machine that nobody can look at: how much of its memory is free. Nothing
of a preset is measured; its bandwidths are the makers' peaks.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from stoker.core.errors import InvalidMachineError, NotFoundError
from stoker.core.machine import Backend, Gpu, Machine
from stoker.core.units import GIB
from stoker.machine.gpus.apple import wirable_bytes
from stoker.machine.gpus.data_sheets import find_sheet
from stoker.machine.system_files import parse_count

FREE_SHARE = 0.85
FREE_SHARE_OF_CARD = 0.93
MEMORY_GIB_MAX = 1 << 16
_PRESETS = Path(__file__).with_name("presets.toml")


@dataclass(frozen=True, slots=True)
class Preset:
    """One machine by its name; `source` says whose figures they are, `assumed` what is not."""

    name: str
    title: str
    source: str
    assumed: str
    machine: Machine


@cache
def presets() -> tuple[Preset, ...]:
    """All of them, in the file's order."""
    with _PRESETS.open("rb") as file:
        rows: list[dict[str, Any]] = tomllib.load(file)["machine"]
    return tuple(
        Preset(row["name"], row["title"], row["source"], row.get("assumed", ""), _machine(row))
        for row in rows
    )


def find_preset(text: str) -> Preset:
    """The preset `NAME`, or `NAME:GIB` with another amount of the machine's memory.

    Raises:
        NotFoundError: there is none of that name; the hint has the nearest.
        InvalidMachineError: the amount is not a number of GiB.
    """
    name, colon, size = text.partition(":")
    found = next((one for one in presets() if one.name == name.lower()), None)
    if found is None:
        raise NotFoundError(f"There is no machine {name[:80]!r}", hint=_nearest(name.lower()))
    return _resized(found, size) if colon else found


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name[:80], [one.name for one in presets()], n=3)
    every = "`stoker machine --list-presets` shows them all"
    return f"did you mean {' or '.join(close)}? {every}" if close else every


def _resized(preset: Preset, size: str) -> Preset:
    gib = parse_count(size) or 0
    if not 1 <= gib <= MEMORY_GIB_MAX:
        raise InvalidMachineError(
            f"{size[:80]!r} is no amount of memory",
            hint=f"write a whole number of GiB after the colon: {preset.name}:64",
        )
    total = gib * GIB
    machine = replace(
        preset.machine,
        name=f"{preset.name}:{gib}",
        memory_total_bytes=total,
        memory_available_bytes=int(total * FREE_SHARE),
        gpus=tuple(_sharing(gpu, total) if gpu.integrated else gpu for gpu in preset.machine.gpus),
    )
    assumed = f"{gib} GiB of memory instead"
    return replace(
        preset, assumed="; ".join(filter(None, (preset.assumed, assumed))), machine=machine
    )


def _machine(row: dict[str, Any]) -> Machine:
    total = row["memory_gib"] * GIB
    return Machine(
        cores=row["cores"],
        memory_total_bytes=total,
        memory_available_bytes=int(total * FREE_SHARE),
        name=row["name"],
        cpu=row.get("cpu", ""),
        threads=row["threads"],
        efficiency_cores=row.get("efficiency_cores", 0),
        features=tuple(row["features"].split()),
        memory_peak_bytes_s=row["memory_gb_s"] * 1e9,
        gpus=tuple(_gpu(name, total) for name in row.get("gpus", ())),
    )


def _gpu(name: str, memory_bytes: int) -> Gpu:
    sheet = find_sheet(name)
    if sheet is None:
        raise InvalidMachineError(f"gpus.toml has no {name}")
    own = sheet.memory_bytes or 0
    gpu = Gpu(
        name=name,
        backend=sheet.backend,
        memory_total_bytes=own,
        memory_free_bytes=int(own * FREE_SHARE_OF_CARD),
        compute_capability=sheet.compute_capability,
        integrated=sheet.integrated,
        bandwidth_bytes_s=sheet.bandwidth_bytes_s,
    )
    return _sharing(gpu, memory_bytes) if sheet.integrated else gpu


def _sharing(gpu: Gpu, memory_bytes: int) -> Gpu:
    """An integrated GPU in a machine with so much memory."""
    most = wirable_bytes(memory_bytes) if gpu.backend is Backend.METAL else memory_bytes
    free = min(most, int(memory_bytes * FREE_SHARE))
    return replace(gpu, memory_total_bytes=most, memory_free_bytes=free)
