"""Writes what was measured into the documents: `python benchmarks/docs.py`.

The table and the picture of `docs/compare.md`, from `results/compare.json`.
"""

from __future__ import annotations

import json
import re

from harness import FOLDER, RESULTS
from stoker.comparing.plot import plot
from stoker.comparing.report import Report, from_document
from stoker.comparing.table import tables
from stoker.core.units import format_seconds

DOCS = FOLDER.parent / "docs"
PAGE = DOCS / "compare.md"
PICTURE = DOCS / "compare-starter.svg"
BEGIN, END = "<!-- measured -->\n", "<!-- end measured -->"


def kept() -> tuple[Report, str]:
    """The kept report, and what it was measured on in words."""
    document = json.loads((RESULTS / "compare.json").read_text(encoding="utf-8"))
    machine, report = document["machine"], from_document(document["parts"]["report"])
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB"
    what = f"Python {machine['python']}, xllamacpp {machine['xllamacpp']}"
    return report, f"{document['date']}; {where}; {what}."


def section() -> str:
    """The measured part of the page."""
    report, where = kept()
    took = ", ".join(f"{name} {format_seconds(took)}" for name, took in report.seconds.items())
    return (
        f"{where}\n\n```text\n{tables(report)}\n```\n\n"
        f"It took {format_seconds(sum(report.seconds.values()))}: {took}.\n"
    )


def filled(text: str) -> str:
    """The page with its measured part as the kept result has it."""
    pattern = re.escape(BEGIN) + ".*?" + re.escape(END)
    return re.sub(pattern, lambda _: BEGIN + section() + END, text, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    PICTURE.write_text(plot(kept()[0]), encoding="utf-8")
