"""Sizes, durations and rates: how they are read from people and shown to them."""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

_SUFFIXES = {"": 1, "k": KIB, "m": MIB, "g": GIB, "t": 1024 * GIB}


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
    """The bytes that `text` names: `1048576`, `512M`, `1.5 GiB` (binary units).

    Raises:
        ValueError: `text` is not a size, or is negative.
    """
    cleaned = text.strip().lower().removesuffix("ib").removesuffix("b").strip()
    suffix = cleaned[-1:] if cleaned[-1:].isalpha() else ""
    try:
        size = float(cleaned.removesuffix(suffix)) * _SUFFIXES[suffix]
        whole = int(size)
    except (KeyError, ValueError, OverflowError):
        raise ValueError(f"not a size: {text!r} (try 512M or 1.5GiB)") from None
    if whole < 0:
        raise ValueError(f"a size cannot be negative: {text!r}")
    return whole
