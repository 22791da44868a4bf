"""What comparisons found, in one private file of the home that a person can read.

Owns the document's form, its bound and its safety: it is written whole under a lock, the newest
last; the oldest go beyond `COMPARISONS_MAX` or `BYTES_MAX`, and one that tells what an older one
told replaces it. An entry that cannot be read is passed over. What figures mean is
`core.comparison`'s.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from stoker.core.comparison import KeptComparison
from stoker.core.disk_errors import disk_errors
from stoker.core.errors import HomeError
from stoker.files.disk import write_whole
from stoker.files.locks import held, wait_lock

VERSION = 1
COMPARISONS_MAX = 64
BYTES_MAX = 4 << 20
LOCK_WAIT_S = 2.0
_ITEMS_MAX = 64
_TEXT_MAX = 512
_COUNT_MAX = 1 << 53
_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")


def read_comparisons(path: Path) -> tuple[KeptComparison, ...]:
    """What is kept at `path`, the oldest first; nothing where there is none or it is broken."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError:
        return ()
    return from_json(data)


def keep_comparison(path: Path, comparison: KeptComparison) -> None:
    """Add `comparison` to what is kept at `path`.

    Raises:
        HomeError: it cannot be written.
    """
    with disk_errors(path):
        lock = wait_lock(path.with_suffix(".lock"), wait_s=LOCK_WAIT_S)
        if lock is None:
            raise HomeError(f"{path} is being written by another process", hint="try again.")
        with held(lock):
            write_whole(path, to_json(with_newest(read_comparisons(path), comparison)))


def with_newest(
    kept: Sequence[KeptComparison], comparison: KeptComparison
) -> tuple[KeptComparison, ...]:
    """`kept` without what `comparison` tells anew, and `comparison` at its end."""
    others = [one for one in kept if not comparison.replaces(one)]
    return (*others, comparison)[-COMPARISONS_MAX:]


def to_json(kept: Sequence[KeptComparison]) -> bytes:
    """The document that `from_json` reads, within `BYTES_MAX`: the newest that have room."""
    for first in range(len(kept) + 1):
        entries = [asdict(one) for one in kept[first:]]
        document = {"version": VERSION, "comparisons": entries}
        data = json.dumps(document, indent=1, allow_nan=False).encode() + b"\n"
        if len(data) <= BYTES_MAX:
            return data
    raise AssertionError("a document without entries has room")


def from_json(data: bytes) -> tuple[KeptComparison, ...]:
    """The comparisons that `data` writes, as far as they can be read."""
    try:
        _require(len(data) <= BYTES_MAX)
        document = json.loads(data)
        _require(isinstance(document, dict) and document.get("version") == VERSION)
        entries = document["comparisons"]
        _require(isinstance(entries, list))
    except (ValueError, KeyError, RecursionError):
        return ()
    found = (_comparison(entry) for entry in entries[-COMPARISONS_MAX:])
    return tuple(one for one in found if one is not None)


def _comparison(entry: Any) -> KeptComparison | None:
    try:
        found: KeptComparison = _record(KeptComparison, entry)
        _require(_DATE.fullmatch(found.date) is not None and len(found.models) > 0)
        for place in (found.best, found.cheapest):
            _require(place is None or place < len(found.models))
        for one in found.models:
            _require(one.tasks is None or 0 <= one.tasks.right <= one.tasks.total > 0)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    return found


def _record(kind: Any, value: Any) -> Any:
    """A record of `kind` from a mapping that has its fields, no more and no fewer."""
    hints = _hints(kind)
    _require(isinstance(value, dict) and value.keys() == hints.keys())
    return kind(**{name: _value(hint, value[name]) for name, hint in hints.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(hint: Any, value: Any) -> Any:
    """`value` as `hint` wants it: a record, several of them, or a plain figure or text."""
    if get_origin(hint) is UnionType:
        return None if value is None else _value(get_args(hint)[0], value)
    if get_origin(hint) is tuple:
        _require(isinstance(value, list) and len(value) <= _ITEMS_MAX)
        return tuple(_value(get_args(hint)[0], one) for one in value)
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint, value)
    return _plain(hint, value)


def _plain(hint: Any, value: Any) -> Any:
    """Texts are short, counts whole, figures numbers; none is negative."""
    if hint is float:
        _require(isinstance(value, int | float) and not isinstance(value, bool))
        _require(math.isfinite(value) and value >= 0)
        return float(value)
    _require(type(value) is hint)
    if hint is str:
        _require(len(value) <= _TEXT_MAX and value.isprintable())
    if hint is int:
        _require(0 <= value < _COUNT_MAX)
    return value


def _require(kept: object) -> None:
    if not kept:
        raise ValueError("this is no comparison that was kept")
