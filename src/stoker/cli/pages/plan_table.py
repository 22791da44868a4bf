"""What a machine can run, as a table for people: a row for each well-known model and quantization.

Pure. Lines are at most as wide as they may be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from stoker.cli.pages.paragraphs import capital, section, wrapped
from stoker.core.machine import Machine
from stoker.core.speed import SpeedSource
from stoker.core.units import format_bytes, format_count
from stoker.planning.proposal.listing import Row
from stoker.planning.proposal.reasons import say_source
from stoker.planning.words import rate_span

_COLUMNS = (
    *("model", "size", "quant", "tier", "weights", "in all", "verdict", "device", "tokens/s"),
)
# What is left out first where there is no room.
_LEAST = ("size", "weights", "device", "tier")
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
    """The lines of the table, and which models are not in it.

    Where columns have no room, those are left out that matter least; what remains is never cut but
    set on two lines.
    """
    title = f"What {machine.name or 'this machine'} can run, one model at a time"
    lines = [*wrapped(title, width), "", *_table([_cells(row) for row in rows], width)]
    short = [f"{name} ({tokens} tokens)" for name, tokens in too_short]
    lines += section("What tokens/s are", _meaning(rows), width)
    lines += section("Where tokens/s come from", _sources(rows), width)
    return [*lines, *section("Trained for less context than is asked for", short, width)]


def _table(rows: Sequence[Mapping[str, str]], width: int) -> Iterator[str]:
    """Columns side by side, as many as fit, else two lines for each row."""
    for left_out in range(len(_LEAST) + 1):
        names = [name for name in _COLUMNS if name not in _LEAST[:left_out]]
        table = [names, *([row[name] for name in names] for row in rows)]
        widths = [max(len(line[at]) for line in table) for at in range(len(names))]
        if sum(widths) + 2 * (len(names) - 1) <= width:
            for line in table:
                cells = (cell.ljust(wide) for cell, wide in zip(line, widths, strict=True))
                yield "  ".join(cells).rstrip()
            return
    for row in rows:
        yield from wrapped(f"{row['model']}, {row['quant']}", width)
        speed = "" if row["tokens/s"] == "-" else f", {row['tokens/s']} tokens/s"
        yield from wrapped(f"{row['verdict']}, {row['in all']}{speed}", width, "  ", "  ")


def _meaning(rows: Sequence[Row]) -> Iterator[str]:
    """Whose they are, at which length, and between which percentiles."""
    told = [row.speed.occasion.context for row in rows if row.decode_tok_s is not None]
    if told:
        least, most = min(told), max(told)
        context = f"{most}" if least == most else f"{least} to {most}"
        yield f"Of one answer alone at {context} tokens of context, from p10 to p90"


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


def _cells(row: Row) -> dict[str, str]:
    cells = (
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
    return dict(zip(_COLUMNS, cells, strict=True))
