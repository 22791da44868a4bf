"""Writes what was measured into the documents: `python benchmarks/docs.py`.

The table and the picture of `docs/compare.md` from `results/compare.json`; the tables of
`docs/accuracy.md` from the planner's two results.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from harness import FOLDER, RESULTS, table
from stoker.comparing.plot import plot
from stoker.comparing.report import Report, from_document
from stoker.comparing.table import tables
from stoker.core.units import format_seconds

DOCS = FOLDER.parent / "docs"
PICTURE = DOCS / "compare-starter.svg"
_KINDS = {
    "decode": "one step, {past} tokens behind",
    "prefill": "a prompt of {tokens}",
    "streams": "one step of {tokens} answers, {past} behind each",
    "first": "the first token after a prompt of {tokens}",
    "load": "a load",
}


def kept(name: str) -> dict[str, Any]:
    """The kept result of a benchmark."""
    document: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return document


def report() -> Report:
    """The kept comparison."""
    return from_document(kept("compare")["parts"]["report"])


def where(document: dict[str, Any]) -> str:
    """When, on what and with which versions a result was measured."""
    machine = document["machine"]
    on = f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB"
    what = f"Python {machine['python']}, xllamacpp {machine['xllamacpp']}"
    return f"{document['date']}; {on}; {what}."


def compared() -> str:
    """What smaller types of the starter lose."""
    found = report()
    took = ", ".join(f"{name} {format_seconds(took)}" for name, took in found.seconds.items())
    return (
        f"{where(kept('compare'))}\n\n```text\n{tables(found)}\n```\n\n"
        f"It took {format_seconds(sum(found.seconds.values()))}: {took}.\n"
    )


def memory() -> str:
    """The planner's memory and how long its plans take, beside what was measured."""
    return _summed(kept("planner"))


def speed() -> str:
    """The planner's speeds, in sum, beside what was measured."""
    return _summed(kept("planner_speed"))


def speeds() -> str:
    """Each predicted speed with its interval, beside the measured one."""
    head = ("model", "what", "predicted, 10 / 50 / 90 %", "measured", "off by", "in the interval")
    return _table(head, [_speed(one) for one in kept("planner_speed")["parts"]["figures"]])


def published() -> str:
    """Published speeds, predicted without their own device."""
    head = ("device", "format", "what", "predicted", "published", "off by")
    return _table(head, [_published(one) for one in kept("planner_speed")["parts"]["published"]])


PAGES = {
    "compare.md": {"measured": compared},
    "accuracy.md": {"memory": memory, "speed": speed, "speeds": speeds, "published": published},
}


def filled(text: str, name: str, section: str) -> str:
    """`text` with `section` between the marks of `name`."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end {name} -->"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    return re.sub(pattern, lambda _: begin + section + end, text, flags=re.DOTALL)


def write() -> None:
    """Write every measured part of every page."""
    for page, sections in PAGES.items():
        text = (DOCS / page).read_text(encoding="utf-8")
        for name, section in sections.items():
            text = filled(text, name, section())
        (DOCS / page).write_text(text, encoding="utf-8")
    PICTURE.write_text(plot(report()), encoding="utf-8")


def _summed(document: dict[str, Any]) -> str:
    notes = "\n".join(f"- {note}" for note in document["notes"])
    return f"{where(document)}\n\n{table(document)}\n\n{notes}\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _speed(one: dict[str, Any]) -> tuple[str, ...]:
    low, middle, high = one["predicted_s"]
    return (
        one["model"],
        _KINDS[one["kind"]].format(**one),
        f"{_seconds(low)} / {_seconds(middle)} / {_seconds(high)}",
        _seconds(one["measured_s"]),
        f"{middle / one['measured_s'] - 1:+.0%}",
        "yes" if one["inside"] else "no",
    )


def _published(one: dict[str, Any]) -> tuple[str, ...]:
    told, guessed = one["published_tok_s"], one["predicted_tok_s"]
    rates = (f"{guessed:.4g} tokens/s", f"{told:.4g} tokens/s")
    return one["device"], one["format"], one["kind"], *rates, f"{guessed / told - 1:+.0%}"


def _seconds(value: float) -> str:
    return f"{1000 * value:.3g} ms" if value < 1 else f"{value:.3g} s"


if __name__ == "__main__":
    write()
