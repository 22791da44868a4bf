"""Memory as bars of text: what a plan takes of each device, by part, of what is available there.

Pure. Lines are at most as wide as they may be.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from stoker.cli.drawing.bars import bar
from stoker.cli.drawing.glyphs import Glyphs
from stoker.core.memory import COUNTED, DeviceMemory, MemoryNeed, Part
from stoker.core.proposal import Proposal, Resident
from stoker.core.units import format_bytes

WIDTH = 100
PARTS = ("weights", "KV cache", "compute", "other")
_OTHERS = tuple(part for part in Part if part not in COUNTED)


def memory_lines(proposal: Proposal, width: int, glyphs: Glyphs) -> Iterator[str]:
    """A bar for each device, what the parts are, and how much of each device is taken."""
    need, devices = proposal.need, proposal.devices
    for one in devices:
        if len(devices) > 1:
            yield f"{_called(one)}:"[:width]
        yield _bar(parts_of(need, one.device), one.available_bytes, width, glyphs)
    told = [
        f"{mark} {part} {format_bytes(size)}"
        for mark, part, size in zip(glyphs.parts, PARTS, parts_of(need), strict=False)
    ]
    yield "  ".join(told)[:width]
    total, free = format_bytes(need.total_bytes), format_bytes(proposal.available_bytes)
    yield from textwrap.wrap(f"{total} in all, {free} available{_each(devices)}", width)


def together_lines(resident: Resident, width: int, glyphs: Glyphs) -> Iterator[str]:
    """A bar for each device with what each model takes of it; their marks are given in turn."""
    marks = len(glyphs.parts)
    names = [str(one.plan.model.ref) for one in resident.proposals]
    for one in resident.devices:
        sizes = [proposal.need.of(device=one.device) for proposal in resident.proposals]
        # More models than marks: the last mark is of all the others.
        first, others = sizes[: marks - 1], sizes[marks - 1 :]
        if len(resident.devices) > 1:
            yield f"{_called(one)}:"[:width]
        yield _bar((*first, sum(others)), one.available_bytes, width, glyphs)
    rest = names[marks - 1 :]
    called = [*names[: marks - 1], *([f"{len(rest)} others"] if rest[1:] else rest)]
    told = [f"{mark} {name}" for mark, name in zip(glyphs.parts, called, strict=False)]
    yield "  ".join(told)[:width]
    for one in resident.devices:
        taken, free = format_bytes(one.taken_bytes), format_bytes(one.available_bytes)
        where = f" on {_called(one)}" if len(resident.devices) > 1 else ""
        yield f"{taken} in all, {free} available{where}"[:width]


def parts_of(need: MemoryNeed, device: str | None = None) -> tuple[int, ...]:
    """The bytes of each of `PARTS`, on one device or on all."""
    counted = (need.of(part, device=device) for part in COUNTED)
    return (*counted, need.of(*_OTHERS, device=device))


def _bar(sizes: Sequence[int], available: int, width: int, glyphs: Glyphs) -> str:
    return bar(sizes, available, min(width, WIDTH) - 2, glyphs)


def _called(one: DeviceMemory) -> str:
    return f"{one.device} ({one.name})" if one.name else one.device


def _each(devices: Sequence[DeviceMemory]) -> str:
    """What is taken of each device, where there are several."""
    if len(devices) < 2:
        return ""
    told = (
        f"{format_bytes(one.taken_bytes)} of {format_bytes(one.available_bytes)} on {one.device}"
        for one in devices
    )
    return f": {', '.join(told)}"
