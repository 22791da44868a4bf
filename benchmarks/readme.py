"""Writes the measured tables into README.md: `python benchmarks/readme.py`."""

from __future__ import annotations

import json
import re
from typing import Any

from harness import FOLDER, RESULTS, table

README = FOLDER / "README.md"
NAMES = ("gateway", "coldstart", "engine", "facts", "verify", "pull", "planner", "planner_speed")


def section(document: dict[str, Any]) -> str:
    """One result: when and on what it was measured, its table and its notes."""
    machine = document["machine"]
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB"
    what = f"Python {machine['python']}, xllamacpp {machine['xllamacpp']}"
    notes = "\n".join(f"- {note}" for note in document["notes"])
    return f"{document['date']}; {where}; {what}.\n\n{table(document)}\n\n{notes}\n"


def filled(text: str) -> str:
    """`text` with each table between its marks as the result files have it."""
    for name in NAMES:
        document = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        begin, end = f"<!-- {name} -->\n", f"<!-- end {name} -->"
        pattern = re.escape(begin) + ".*?" + re.escape(end)
        text = re.sub(pattern, lambda _: begin + section(document) + end, text, flags=re.DOTALL)  # noqa: B023 - used at once
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
