"""The small files by which a kernel tells of itself, under roots that a test can replace.

Owns reading them within a bound and the numbers and lists that they are written in. What a file
means belongs to the module that asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TEXT_BYTES_MAX = 64 * 1024
_LIST_NUMBERS_MAX = 1 << 16


@dataclass(frozen=True, slots=True)
class Roots:
    """Where the kernel's files are mounted."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")


HERE = Roots()


def read_text(path: Path, most: int = TEXT_BYTES_MAX) -> str:
    """The first `most` bytes of a file as text, stripped; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(most).decode(errors="replace").strip()
    except (OSError, ValueError):  # a name with a NUL is a ValueError
        return ""


def parse_count(text: str) -> int | None:
    """The whole number, 0 or more, that `text` writes in digits; None for anything else."""
    word = text.strip()
    return int(word) if word.isascii() and word.isdigit() and len(word) <= 20 else None


def read_count(path: Path) -> int | None:
    """The whole number that a file holds; None where it holds none."""
    return parse_count(read_text(path))


def parse_list(text: str) -> frozenset[int]:
    """The numbers of a list like `0-3,8`; what is not of that form is left out."""
    numbers: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        low, high = parse_count(first), parse_count(last or first)
        if low is not None and high is not None and high - low < _LIST_NUMBERS_MAX:
            numbers.update(range(low, high + 1))
    return frozenset(numbers)


def parse_rows(text: str, separator: str = ":") -> dict[str, str]:
    """The rows `key: value` of a text; the first of a key counts."""
    rows: dict[str, str] = {}
    for line in text.splitlines():
        key, found, value = line.partition(separator)
        if found:
            rows.setdefault(key.strip(), value.strip())
    return rows
