"""What a machine can run, as a table for people: a row for each well-known model and quantization.

Pure. Lines are at most as wide as they may be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from stoker.cli.pages.plan_text import capital, section
from stoker.core.machine import Machine
from stoker.core.speed import SpeedSource
from stoker.core.units import format_bytes, format_count
from stoker.planning.proposal.listing import Row
from stoker.planning.proposal.reasons import say_source
from stoker.planning.words import rate_span

_EXPLAINED = tuple(
    """
Each row is one well-known model in one quantization, planned alone: what its weights take, what \
all of it takes, and whether that is available now. Sizes are by formula from published shapes; \
`stoker plan MODEL` asks the engine.
The tier is what a model of that size is trusted with: basic is classification and answers from \
given text, good is everyday drafting, better is reasoning over several steps and code. It is a \
judgement, not a measurement.
Tokens/s are of one answer: one run in ten is slower than the first figure, one in ten is faster \
than the second.
""".strip().splitlines()
)


def render_rows(
    rows: Sequence[Row],
    machine: Machine,
    too_short: Sequence[tuple[str, int]] = (),
    *,
    width: int,
) -> list[str]:
    """The lines of the table, and which models are not in it."""
    head = ("model", "size", "quant", "tier", "weights", "in all", "verdict", "device", "tokens/s")
    table = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[at]) for line in table) for at in range(len(head))]
    title = f"What {machine.name or 'this machine'} can run, one model at a time"
    lines = [title, ""]
    for line in table:
        cells = (cell.ljust(wide) for cell, wide in zip(line, widths, strict=True))
        lines.append("  ".join(cells).rstrip()[:width])
    short = [f"{name} ({tokens} tokens)" for name, tokens in too_short]
    lines += section("Where tokens/s come from", _sources(rows), width)
    return [*lines, *section("Trained for less context than is asked for", short, width)]


def explain_rows(*, width: int) -> list[str]:
    """What the columns mean, in plain words."""
    return list(section("In plain words", _EXPLAINED, width))


def _sources(rows: Sequence[Row]) -> Iterator[str]:
    """The sources of the speeds that are told, with how many of the rows rest on each."""
    counted = Counter(
        row.speed.source_of("decode_tok_s") for row in rows if row.decode_tok_s is not None
    )
    for source, count in sorted(counted.items(), key=lambda one: list(SpeedSource).index(one[0])):
        of = "" if count == len(rows) else f", {count} of {len(rows)}"
        yield f"{capital(say_source(source))}{of}"


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        format_count(row.parameters),
        row.quantization,
        row.tier or "unproven",
        format_bytes(row.weights_bytes),
        format_bytes(row.total_bytes),
        row.verdict.value.replace("_", " "),
        row.device.kind.value,
        "-" if row.decode_tok_s is None else rate_span(row.decode_tok_s).removesuffix(" tokens/s"),
    )
