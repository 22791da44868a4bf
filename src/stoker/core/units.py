"""Sizes, durations and rates: how they are read from people and shown to them."""

from __future__ import annotations

import re

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?", re.IGNORECASE)


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


def parse_bytes(text: str) -> int:
    """The bytes that a person wrote: `8GiB`, `8G`, `512 MiB`, `1.5g`, `4000000000`; all binary.

    Raises:
        ValueError: it is no size, or not above 0.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:40]!r} is not a size such as 8GiB or 512MiB")
    number, prefix = float(found[1]), found[2].lower()
    size = int(number * KIB ** (" kmgt".index(prefix or " ")))
    if not 0 < size < 1 << 60:
        raise ValueError(f"{text[:40]!r} is not a size above 0")
    return size
