"""From process start to the first token: `stoker run`, against the engine alone in a bare script.

    python benchmarks/coldstart.py [--quick]

Both are timed from outside, from the start of the process to the first byte on its standard
output, with the same file, parameters and question. The parts are what `stoker run --json` tells.
"""

from __future__ import annotations

import json
import operator
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import AT_MOST, Result, Row, main, median, pairwise
from models import STARTER, bare_argv, chat, half_b
from stoker.library.asynchronous import plan_for

QUESTION = "What is the refund policy?"
STOKER = [sys.executable, "-c", "from stoker.cli.main import main; main()"]
PARTS = ("command_s", "spawn_s", "import_s", "load_s", "warmup_s", "first_token_s")


def measure(quick: bool) -> Result:
    result = Result("coldstart", "engine alone", [], notes=NOTES)
    with half_b() as large:
        for name, path, rounds in (
            ("starter", STARTER, 5 if quick else 15),
            ("0.5B shape", large, 3 if quick else 9),
        ):
            row, parts = compare(name, path, rounds)
            result.rows.append(row)
            result.rows += [part_row(name, part, value) for part, value in parts.items()]
            result.parts[name] = parts
    return result


NOTES = [
    "seconds from the start of the process to the first byte of the answer, seen from outside",
    f"the question: {QUESTION!r}, one token; file in the page cache, Python's modules compiled",
]


def compare(name: str, path: Path, rounds: int) -> tuple[Row, dict[str, float]]:
    """Seconds added to the start of the model at `path`, and the parts of Stoker's start."""
    bare = bare_argv(plan_for(str(path), None, 1, None))
    body = json.dumps(chat(QUESTION, 1)).encode() + b"\n"
    run = [*STOKER, "run", str(path), QUESTION, "--max-tokens", "1", "--temperature", "0"]
    ours, alone, told = [], [], []
    for turn in range(rounds + 1):
        times = first_byte_s(run, b""), first_byte_s(bare, body)
        if turn:  # the first pair warms the page cache
            ours.append(times[0])
            alone.append(times[1])
            told.append(parts_of(run))
    added = pairwise(ours, alone, operator.sub)
    row = Row(f"{name}: added", median(ours), median(alone), added, "s", AT_MOST, 0.35)
    return row, {part: median([one[part] for one in told]) for part in PARTS}


def first_byte_s(argv: Sequence[str], stdin: bytes) -> float:
    """Seconds until the program writes its first byte; it is let to its end."""
    began = time.perf_counter()
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None  # noqa: S101 - asked for above
        assert process.stdout is not None  # noqa: S101 - asked for above
        process.stdin.write(stdin)
        process.stdin.close()
        first = process.stdout.read(1)
        took = time.perf_counter() - began
        process.stdout.read()
    if not first or process.returncode:
        raise RuntimeError(f"{argv[0]} gave no answer")
    return took


def parts_of(run: Sequence[str]) -> dict[str, Any]:
    """The parts of one start, in seconds, as `--json` tells them."""
    told = subprocess.run([*run, "--json"], capture_output=True, check=True)
    timings: dict[str, Any] = json.loads(told.stdout)["timings"]
    return timings


def part_row(name: str, part: str, value: float) -> Row:
    """One part, without a limit."""
    words = part.removesuffix("_s").replace("_", " ")
    return Row(f"{name}, of which {words}", None, None, value, "s")


if __name__ == "__main__":
    main(measure, __doc__)
