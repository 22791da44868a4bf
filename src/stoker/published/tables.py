"""How the tables that come with the package are read: CSV with comments, and TOML.

Owns the reading only; what a row means is its reader's.
"""

from __future__ import annotations

import csv
import tomllib
from importlib.resources import files
from typing import Any

_DATA = files("stoker.published") / "data"


def read_csv(name: str) -> list[dict[str, str]]:
    """The rows of the table `name`; lines that begin with `#` are comments."""
    lines = (_DATA / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def read_toml(name: str) -> dict[str, Any]:
    """The document `name`."""
    return tomllib.loads((_DATA / name).read_text(encoding="utf-8"))


def number(cell: str) -> float | None:
    """The number in `cell`, None where it is empty."""
    return float(cell) if cell else None


def whole(cell: str) -> int | None:
    """The whole number in `cell`, None where it is empty."""
    return int(cell) if cell else None
