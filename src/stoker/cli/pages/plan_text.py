"""A proposal as text for people: the verdict first, memory as bars, how to run it, what to expect.

Pure. Lines are at most as wide as they may be. The bars are `plan_bars`'.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from stoker.cli.drawing.cost_chart import chart_lines
from stoker.cli.drawing.glyphs import Glyphs
from stoker.cli.drawing.plan_bars import memory_lines, together_lines
from stoker.cli.pages.cost_text import cost_lines
from stoker.cli.pages.outcome_text import outcome_lines
from stoker.cli.pages.paragraphs import capital, section, wrapped
from stoker.core.estimate import Interval
from stoker.core.machine import Machine
from stoker.core.model import Task
from stoker.core.plan import DeviceKind, Verdict
from stoker.core.proposal import Alternative, Proposal, Resident
from stoker.core.speed import Speed
from stoker.core.units import format_seconds
from stoker.planning.quality import describe_loss
from stoker.planning.words import number

_VERDICTS = {
    Verdict.FITS: "fits",
    Verdict.TIGHT: "fits, but tightly",
    Verdict.DOES_NOT_FIT_NOW: "does not fit now",
    Verdict.CAN_NEVER_FIT: "can never fit",
}
_SHOWN_WHY = frozenset({"verdict", "memory", "device", "speed"})
# A figure that earlier runs told, under other settings or too seldom to be expected again.
_TOO_FEW = "not known: too few of the loads below were with these settings"
# What models give way in where several are planned together.
_SHARED_WHY = frozenset({"context", "slots", "threads"})
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
    several = len(resident.proposals) > 1
    shown = _SHOWN_WHY | _SHARED_WHY if several else _SHOWN_WHY
    for proposal in resident.proposals:
        lines += [*([""] if lines else []), *_top(proposal, machine, width, glyphs)]
        lines += _sections(proposal, shown, width, glyphs)
    if several:
        lines += ["", f"Together: {_VERDICTS[resident.verdict]}."]
        lines += together_lines(resident, width, glyphs)
    return lines


def explain(resident: Resident, *, width: int) -> list[str]:
    """The decision in plain words."""
    lines = list(section("In plain words", _EXPLAINED, width))
    for proposal in resident.proposals:
        reasons = [f"{one.about}: {one.say}" for one in proposal.reasons]
        losses = [one.loss for one in proposal.alternatives if one.loss]
        lines += section(f"Why {proposal.plan.model.ref} is planned like that", reasons, width)
        lines += section("What other quantizations lose", losses, width)
    return lines


def _top(proposal: Proposal, machine: Machine, width: int, glyphs: Glyphs) -> Iterator[str]:
    """The verdict, the memory, and how it is run."""
    plan = proposal.plan
    name = f"{plan.model.ref}, {proposal.quantization}, on {machine.name or 'this machine'}"
    yield from wrapped(f"{name}: {_VERDICTS[proposal.verdict]}.", width)
    yield ""
    yield from memory_lines(proposal, width, glyphs)
    yield ""
    yield from (f"{label.ljust(14)}{value}"[:width] for label, value in _how(proposal))


def _sections(
    proposal: Proposal, shown_why: AbstractSet[str], width: int, glyphs: Glyphs
) -> Iterator[str]:
    """What is expected, what else there is, and why."""
    yield from section("What to expect (p10 / p50 / p90)", list(_speeds(proposal)), width)
    yield from section("What was wanted", map(capital, _wanted(proposal)), width)
    yield from section(
        "What was measured here (median; p10 / p50 / p90)", outcome_lines(proposal.measured), width
    )
    yield from section("What it costs", cost_lines(proposal.cost), width)
    yield from chart_lines(proposal.cost, width, glyphs)
    yield from section("What would make it fit", map(_say, proposal.changes), width)
    yield from section(_other_ways(proposal), map(_say, proposal.alternatives), width)
    yield from section("What is lost, as measured here", _measured(proposal), width)
    fallback = [] if proposal.fallback is None else [_say(proposal.fallback)]
    yield from section("If that cannot be kept", fallback, width)
    why = [one.say for one in proposal.reasons if one.about in shown_why]
    yield from section("Why", map(capital, why), width)
    yield from section("Not known", map(capital, proposal.missing), width)
    yield from section("Notes", map(capital, proposal.notes), width)


def _other_ways(proposal: Proposal) -> str:
    """The title of the alternatives, with the context at which their speeds hold."""
    if all(one.decode_tok_s is None for one in proposal.alternatives):
        return "Other ways"
    return f"Other ways (tokens/s at {proposal.speed.occasion.context} tokens of context)"


def _wanted(proposal: Proposal) -> Iterator[str]:
    """Each need that the plan is held against: speeds, and how good answers must be."""
    yield from (one.say for one in proposal.targets)
    yield from (one.say for one in proposal.reasons if one.about == "quality")


def _how(proposal: Proposal) -> Iterator[tuple[str, str]]:
    plan, device = proposal.plan, proposal.device
    trained = plan.model.facts.context_length
    yield "engine", plan.engine
    yield "device", _device(proposal)
    yield "quantization", f"{proposal.quantization}, {plan.model.facts.bits_per_weight:.2f} bits"
    yield "context", _context(plan.context, trained)
    yield "slots", f"{plan.slots}"
    if device.kind is not DeviceKind.GPU:
        yield "threads", f"{plan.threads}"
    yield "KV cache", plan.kv_type
    yield "digest", proposal.digest or "not known: the file was not hashed"


def _context(tokens: int, trained: int) -> str:
    if tokens == trained:
        return f"{tokens} tokens a slot, all that it was trained for"
    return f"{tokens} tokens a slot" + (f", trained for {trained}" if trained else "")


def _device(proposal: Proposal) -> str:
    device = proposal.device
    if device.kind is DeviceKind.CPU:
        return "cpu"
    return f"{device.kind}: {device.gpu_layers} of {device.layers} layers on {device.name}"


def _speeds(proposal: Proposal) -> Iterator[str]:
    speed = proposal.speed
    ran = {one.figure for one in proposal.measured}
    unknown = {name: _TOO_FEW if name in ran else None for name in ("load_s", "load_cold_s")}
    embeds = proposal.plan.model.facts.task is Task.EMBED
    rows: list[tuple[str, str | None]] = [
        ("load, file in memory", _seconds(speed.load_s) or unknown["load_s"]),
        ("load, from the disk", _seconds(speed.load_cold_s) or unknown["load_cold_s"]),
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
    occasion, streams = speed.occasion, speed.occasion.streams
    prompt, full = f"a prompt of {occasion.prompt_tokens} tokens", occasion.context_full
    usual = f"at {occasion.context} tokens of context, tokens/s"
    deep = f"at a full context of {full}, tokens/s" if full > occasion.context else ""
    yield f"first token after {prompt}", _seconds(speed.ttft_s)
    yield f"{prompt}, tokens/s", _rate(speed.prefill_tok_s)
    yield f"one answer alone {usual}", _rate(speed.decode_tok_s)
    if deep:
        yield f"one answer alone {deep}", _rate(speed.decode_full_tok_s)
    if streams > 1:
        yield f"each of {streams} answers {usual}", _rate(speed.stream_tok_s)
        if deep:
            yield f"each of {streams} answers {deep}", _rate(speed.stream_full_tok_s)
        yield f"all {streams} together {usual}", _rate(speed.total_tok_s)


def _say(one: Alternative) -> str:
    verdict = "" if one.verdict is None else f" ({_VERDICTS[one.verdict]})"
    return f"{capital(one.say)}{verdict}"


def _measured(proposal: Proposal) -> Iterator[str]:
    """Losses of this quantization and of the alternatives that were measured on this machine."""
    known = (proposal.quality, *(one.quality for one in proposal.alternatives))
    yield from (describe_loss(one) for one in known if one is not None and one.source == "measured")


def _seconds(value: Interval | None) -> str | None:
    if value is None:
        return None
    return " / ".join(format_seconds(one) for one in (value.p10, value.p50, value.p90))


def _rate(value: Interval | None) -> str | None:
    if value is None:
        return None
    return " / ".join(number(one, 3) for one in (value.p10, value.p50, value.p90))
