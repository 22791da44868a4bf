"""Sizes, durations and rates: how they are read from people and shown to them."""

from __future__ import annotations

import math
import re

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
_HOUR_S = 3600
_DAY_S = 24 * _HOUR_S
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?", re.IGNORECASE)


def format_bytes(count: int) -> str:
    """`count` bytes in binary units with three significant figures, or all: `11.2 MiB`."""
    if abs(count) < KIB:
        return f"{count} B"
    size = float(count)
    for unit in ("KiB", "MiB", "GiB"):
        size /= KIB
        if round(abs(size)) < KIB:
            return f"{_figures(size)} {unit}"
    return f"{_figures(size / KIB)} TiB"


def format_seconds(seconds: float) -> str:
    """`seconds` in the units a person would choose: `83 ms`, `1.20 s`, `25 h`; or `never`.

    Three significant figures below a minute, then two units.
    """
    if not math.isfinite(seconds):
        return "never"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    if seconds < 2 * _HOUR_S:
        return _two(round(seconds), 60, "min", "s")
    if seconds < 2 * _DAY_S:
        return _two(round(seconds / 60), 60, "h", "min")
    return _two(round(seconds / _HOUR_S), 24, "days", "h")


def format_count(count: int) -> str:
    """`count` in decimal units with three significant figures, or all: `5.41 M`, `8.03 B`."""
    if abs(count) < 1000:
        return f"{count}"
    size = float(count)
    for unit in ("K", "M", "B"):
        size /= 1000
        if round(abs(size)) < 1000:
            return f"{_figures(size)} {unit}"
    return f"{_figures(size / 1000)} T"


def _figures(size: float) -> str:
    """Three figures; from 1000 on as many as there are, since an exponent says less."""
    return f"{size:.3g}" if abs(size) < 999.5 else f"{size:.0f}"


def _two(count: int, base: int, large: str, small: str) -> str:
    """`count` of the `small` unit in two units, the small one only where something is left."""
    whole, rest = divmod(count, base)
    return f"{whole} {large} {rest} {small}" if rest else f"{whole} {large}"


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
