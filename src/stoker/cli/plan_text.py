"""A proposal as text for people: the verdict first, memory as a bar, how to run it, what to expect.

Pure. Lines are at most as wide as they may be.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from stoker.cli.bars import bar
from stoker.cli.cost_chart import chart_lines
from stoker.cli.cost_text import cost_lines
from stoker.cli.glyphs import Glyphs
from stoker.cli.outcome_text import outcome_lines
from stoker.core.estimate import Interval
from stoker.core.machine import Machine
from stoker.core.model import Task
from stoker.core.plan import DeviceKind, Verdict
from stoker.core.proposal import Alternative, Proposal, Resident
from stoker.core.speed import Speed, SpeedSource
from stoker.core.units import format_bytes, format_count, format_seconds
from stoker.planning.advice.words import number, rate_span
from stoker.planning.proposal.listing import Row
from stoker.planning.proposal.reasons import say_source
from stoker.planning.quality import describe_loss

WIDTH = 100
_VERDICTS = {
    Verdict.FITS: "fits",
    Verdict.TIGHT: "fits, but tightly",
    Verdict.DOES_NOT_FIT_NOW: "does not fit now",
    Verdict.CAN_NEVER_FIT: "can never fit",
}
_SHOWN_WHY = frozenset({"verdict", "memory", "device", "speed"})
_PARTS = ("weights", "KV cache", "compute", "other")
_EXPLAINED = tuple(
    """
Weights are read once for each token that is written, so their size decides how fast answers come. \
The KV cache holds what attention looks back on: it grows with the context and with the answers at \
a time. Compute is scratch memory for one step; other is the process itself, its output buffer, \
what it keeps of past states, and requests that wait.
It fits where all of that and a spare part (5 % of it, and 5 % of the machine's memory for other \
programs, at most 1 GiB) are available now; it is tight where the spare part is not. It does not \
fit now where only other programs stand in the way, and can never fit where the machine, or the \
budget, is too small.
Speeds are intervals: one run in ten is slower than the first figure, half are faster than the \
middle one, one in ten is faster than the last.
""".strip().splitlines()
)


def render(resident: Resident, machine: Machine, *, width: int, glyphs: Glyphs) -> list[str]:
    """The lines that `stoker plan MODEL...` prints."""
    lines: list[str] = []
    for proposal in resident.proposals:
        lines += [*([""] if lines else []), *_one(proposal, machine, width, glyphs)]
    if len(resident.proposals) > 1:
        lines += ["", *_together(resident, width, glyphs)]
    return lines


def explain(resident: Resident, *, width: int) -> list[str]:
    """The decision in plain words."""
    lines = list(_section("In plain words", _EXPLAINED, width))
    for proposal in resident.proposals:
        reasons = [f"{one.about}: {one.say}" for one in proposal.reasons]
        losses = [one.loss for one in proposal.alternatives if one.loss]
        lines += _section(f"Why {proposal.plan.model.ref} is planned like that", reasons, width)
        lines += _section("What other quantizations lose", losses, width)
    return lines


def render_rows(rows: Sequence[Row], machine: Machine, *, width: int) -> list[str]:
    """The table that `stoker plan` prints without a model."""
    head = ("model", "size", "quant", "tier", "weights", "in all", "verdict", "device", "tokens/s")
    table = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[at]) for line in table) for at in range(len(head))]
    title = f"What {machine.name or 'this machine'} can run, one model at a time"
    lines = [title, ""]
    for line in table:
        cells = (cell.ljust(wide) for cell, wide in zip(line, widths, strict=True))
        lines.append("  ".join(cells).rstrip()[:width])
    return [*lines, *_section("Where tokens/s come from", _sources(rows), width)]


def _sources(rows: Sequence[Row]) -> Iterator[str]:
    """The sources of the speeds that are told, with how many of the rows rest on each."""
    counted = Counter(
        row.speed.source_of("decode_tok_s") for row in rows if row.decode_tok_s is not None
    )
    for source, count in sorted(counted.items(), key=lambda one: list(SpeedSource).index(one[0])):
        of = "" if count == len(rows) else f", {count} of {len(rows)}"
        yield f"{_capital(say_source(source))}{of}"


def _one(proposal: Proposal, machine: Machine, width: int, glyphs: Glyphs) -> Iterator[str]:
    plan = proposal.plan
    name = f"{plan.model.ref}, {proposal.quantization}, on {machine.name or 'this machine'}"
    yield from _wrap(f"{name}: {_VERDICTS[proposal.verdict]}.", width)
    yield ""
    yield from _memory(proposal, width, glyphs)
    yield ""
    yield from (f"{label.ljust(14)}{value}"[:width] for label, value in _how(proposal))
    yield from _section("What to expect (p10 / p50 / p90)", list(_speeds(proposal)), width)
    yield from _section(
        "What was measured here (median; p10 / p50 / p90)", outcome_lines(proposal.measured), width
    )
    yield from _section("What it costs", cost_lines(proposal.cost), width)
    yield from chart_lines(proposal.cost, width, glyphs)
    yield from _section("What would make it fit", map(_say, proposal.changes), width)
    yield from _section("Other ways", map(_say, proposal.alternatives), width)
    yield from _section("What is lost, as measured here", _measured(proposal), width)
    fallback = [] if proposal.fallback is None else [_say(proposal.fallback)]
    yield from _section("If that cannot be kept", fallback, width)
    why = [one.say for one in proposal.reasons if one.about in _SHOWN_WHY]
    yield from _section("Why", map(_capital, why), width)
    yield from _section("Not known", map(_capital, proposal.missing), width)
    yield from _section("Notes", map(_capital, proposal.notes), width)


def _memory(proposal: Proposal, width: int, glyphs: Glyphs) -> Iterator[str]:
    """The bar of the device that decides, and what its parts are."""
    need = proposal.need
    sizes = (need.weights_bytes, need.kv_bytes, need.compute_bytes, need.other_bytes)
    whole = proposal.available_bytes
    if proposal.device.kind is DeviceKind.SPLIT:
        whole = max(whole, need.total_bytes)
    yield bar(sizes, whole, min(width, WIDTH) - 2, glyphs)
    told = [
        f"{mark} {part} {format_bytes(size)}"
        for mark, part, size in zip(glyphs.parts, _PARTS, sizes, strict=True)
    ]
    yield "  ".join(told)[:width]
    total, free = format_bytes(need.total_bytes), format_bytes(proposal.available_bytes)
    yield f"{total} in all, {free} available"


def _together(resident: Resident, width: int, glyphs: Glyphs) -> Iterator[str]:
    sizes = [one.need.of(device="cpu") for one in resident.proposals]
    total, free = format_bytes(resident.total_bytes), format_bytes(resident.available_bytes)
    yield f"Together: {_VERDICTS[resident.verdict]}."
    yield bar(sizes[:4], resident.available_bytes, min(width, WIDTH) - 2, glyphs)
    yield f"{total} in all, {free} available"


def _how(proposal: Proposal) -> Iterator[tuple[str, str]]:
    plan, device = proposal.plan, proposal.device
    trained = plan.model.facts.context_length
    yield "engine", plan.engine
    yield "device", _device(proposal)
    yield "quantization", f"{proposal.quantization}, {plan.model.facts.bits_per_weight:.2f} bits"
    yield "context", f"{plan.context} tokens a slot" + (f" of {trained}" if trained else "")
    yield "slots", f"{plan.slots}"
    if device.kind is not DeviceKind.GPU:
        yield "threads", f"{plan.threads}"
    yield "KV cache", plan.kv_type
    yield "digest", proposal.digest or "not known: the file was not hashed"


def _device(proposal: Proposal) -> str:
    device = proposal.device
    if device.kind is DeviceKind.CPU:
        return "cpu"
    return f"{device.kind}: {device.gpu_layers} of {device.layers} layers on {device.name}"


def _speeds(proposal: Proposal) -> Iterator[str]:
    speed = proposal.speed
    embeds = proposal.plan.model.facts.task is Task.EMBED
    rows: list[tuple[str, str | None]] = [
        ("load, file in memory", _seconds(speed.load_s)),
        ("load, from the disk", _seconds(speed.load_cold_s)),
        *(_reading(speed) if embeds else _writing(speed)),
    ]
    wide = max(len(name) for name, _ in rows)
    for name, value in rows:
        yield f"{name.ljust(wide)}  {value or 'not known'}"


def _reading(speed: Speed) -> Iterator[tuple[str, str | None]]:
    """What a model that makes vectors takes in."""
    tokens, rate = speed.occasion.prompt_tokens, speed.prefill_tok_s
    yield f"texts of {tokens} tokens, texts/s", _rate(rate and rate.scaled(1 / tokens))
    yield "the same, tokens/s", _rate(rate)


def _writing(speed: Speed) -> Iterator[tuple[str, str | None]]:
    """A prompt and its answers."""
    streams = speed.occasion.streams
    prompt = f"after a prompt of {speed.occasion.prompt_tokens} tokens"
    yield f"first token {prompt}", _seconds(speed.ttft_s)
    yield "prompt, tokens/s", _rate(speed.prefill_tok_s)
    yield "one answer alone, tokens/s", _rate(speed.decode_tok_s)
    if streams > 1:
        yield f"each of {streams} answers, tokens/s", _rate(speed.stream_tok_s)
        yield f"all {streams} together, tokens/s", _rate(speed.total_tok_s)


def _say(one: Alternative) -> str:
    verdict = "" if one.verdict is None else f" ({_VERDICTS[one.verdict]})"
    return f"{_capital(one.say)}{verdict}"


def _measured(proposal: Proposal) -> Iterator[str]:
    """Losses of this quantization and of the alternatives that were measured on this machine."""
    known = (proposal.quality, *(one.quality for one in proposal.alternatives))
    yield from (describe_loss(one) for one in known if one is not None and one.source == "measured")


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


def _seconds(value: Interval | None) -> str | None:
    if value is None:
        return None
    return " / ".join(format_seconds(one) for one in (value.p10, value.p50, value.p90))


def _rate(value: Interval | None) -> str | None:
    if value is None:
        return None
    return " / ".join(number(one, 3) for one in (value.p10, value.p50, value.p90))


def _section(title: str, lines: Iterable[str], width: int) -> Iterator[str]:
    told = [line for line in lines if line]
    if told:
        yield ""
        yield title
        for line in told:
            yield from _wrap(line, width, "  - ", "    ")


def _wrap(text: str, width: int, first: str = "", later: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=later,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
