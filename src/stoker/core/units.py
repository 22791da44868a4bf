"""Sizes, durations and rates: how they are read from people and shown to them."""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


def format_bytes(count: int) -> str:
    """`count` bytes in binary units with three significant figures: `11.2 MiB`."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{int(size)} B" if unit == "B" else f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} TiB"


def format_seconds(seconds: float) -> str:
    """`seconds` in the unit a person would choose: `83 ms`, `1.20 s`, `3 min 5 s`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def format_count(count: int) -> str:
    """`count` in decimal units with three significant figures: `5.41 M`, `8.03 B`."""
    size = float(count)
    for unit in ("", " K", " M", " B"):
        if abs(size) < 1000:
            return f"{int(size)}" if not unit else f"{size:.3g}{unit}"
        size /= 1000
    return f"{size:.3g} T"
