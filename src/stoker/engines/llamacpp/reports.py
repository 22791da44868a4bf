"""The lines by which the child tells its parent how far its start has come.

One form, written by `child` and read by the adapter: `stoker:` and a JSON object.
"""

from __future__ import annotations

import json

from stoker.engines.base import ChildReport

_PREFIX = "stoker:"
_STAGES = frozenset({"started", "imported", "loading", "listening"})
_LINE_LIMIT = 1024


def write_report(stage: str) -> str:
    """The line that reports `stage`, without its end."""
    return _PREFIX + json.dumps({"stage": stage})


def read_report(line: str) -> ChildReport | None:
    """What `line` reports; None for anything that `write_report` did not make."""
    if not line.startswith(_PREFIX) or len(line) > _LINE_LIMIT:
        return None
    try:
        told = json.loads(line.removeprefix(_PREFIX))
    except (ValueError, RecursionError):
        return None
    stage = told.get("stage") if isinstance(told, dict) else None
    if not isinstance(stage, str) or stage not in _STAGES:
        return None
    return ChildReport(stage)
