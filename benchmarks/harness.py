"""What the benchmarks share: rows against limits, the table, the result file.

A benchmark measures two ways of doing the same thing, in turns within one run; a row holds the
medians of both and the figure that has a limit. Owns no measurement of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
AT_MOST, AT_LEAST = "at most", "at least"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `stoker` and `against` are medians; `measured` is what `limit` is about.

    A row without a limit is shown for explanation and cannot miss. `measured` is the median of
    the figure taken pair by pair, so it need not follow from the two medians.
    """

    name: str
    stoker: float | None
    against: float | None
    measured: float
    unit: str
    sense: str = ""
    limit: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the limit is kept."""
        if self.limit is None:
            return True
        kept = self.measured <= self.limit if self.sense == AT_MOST else self.measured >= self.limit
        return bool(kept)


@dataclass(slots=True)
class Result:
    """One run of one benchmark. `against` names what Stoker is measured beside."""

    benchmark: str
    against: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    parts: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every limit is kept."""
        return all(row.ok for row in self.rows)


def main(measure: Callable[[bool], Result], about: str | None) -> None:
    """Run `measure`, keep its result, print the table last, exit 1 where it misses."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, under 50 s")
    quick = parser.parse_args().quick
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's Python keeps its compiled modules
    result = measure(quick)
    document = to_document(result, quick=quick)
    keep(document, quick=quick)
    for note in result.notes:
        print(f"- {note}")
    print()
    print(table(document))
    sys.exit(0 if result.ok else 1)


def to_document(result: Result, *, quick: bool) -> dict[str, Any]:
    """The result as JSON, with the machine and the versions it was measured on."""
    return {
        "benchmark": result.benchmark,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "quick": quick,
        "machine": machine(),
        "against": result.against,
        "rows": [_rounded({**asdict(row), "ok": row.ok}) for row in result.rows],
        "parts": _rounded(result.parts),
        "notes": result.notes,
    }


def keep(document: Mapping[str, Any], *, quick: bool) -> None:
    """Write the result file; a quick run does not replace a whole one."""
    RESULTS.mkdir(exist_ok=True)
    suffix = ".quick.json" if quick else ".json"
    path = RESULTS / f"{document['benchmark']}{suffix}"
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def table(document: Mapping[str, Any]) -> str:
    """The rows as a Markdown table."""
    lines = [
        f"| {document['benchmark']} | Stoker | {document['against']} | measured | asked | |",
        "|---|---:|---:|---:|---:|---|",
    ]
    lines += [_line(row) for row in document["rows"]]
    return "\n".join(lines)


def _line(row: Mapping[str, Any]) -> str:
    asked = "" if row["limit"] is None else f"{row['sense']} {row['limit']:g}"
    verdict = "" if row["limit"] is None else ("kept" if row["ok"] else "**missed**")
    stoker, against = (_figure(row[side]) for side in ("stoker", "against"))
    measured = f"{_figure(row['measured'])} {row['unit']}".strip()
    return f"| {row['name']} | {stoker} | {against} | {measured} | {asked} | {verdict} |"


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return value


def machine() -> dict[str, Any]:
    """The machine and the versions, without its name or any path."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("stoker", "xllamacpp", "aiohttp", "uvloop")},
    }


def _cpu() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def median(values: Sequence[float]) -> float:
    """The middle one: one disturbed round does not move it."""
    return statistics.median(values)


def pairwise(
    left: Sequence[float], right: Sequence[float], combine: Callable[[float, float], float]
) -> float:
    """The median of `combine` over the pairs: what disturbs both of a pair cancels out."""
    return median([combine(one, other) for one, other in zip(left, right, strict=True)])
