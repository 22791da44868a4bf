"""A proposal as text for people: the verdict first, memory as bars, how to run it, what to expect.

Pure. Lines are at most as wide as they may be. The bars are `plan_bars`'.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from stoker.cli.drawing.cost_chart import chart_lines
from stoker.cli.drawing.glyphs import Glyphs
from stoker.cli.drawing.plan_bars import memory_lines, together_lines
from stoker.cli.pages.cost_text import cost_lines
from stoker.cli.pages.outcome_text import outcome_lines
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


def _one(proposal: Proposal, machine: Machine, width: int, glyphs: Glyphs) -> Iterator[str]:
    plan = proposal.plan
    name = f"{plan.model.ref}, {proposal.quantization}, on {machine.name or 'this machine'}"
    yield from wrapped(f"{name}: {_VERDICTS[proposal.verdict]}.", width)
    yield ""
    yield from memory_lines(proposal, width, glyphs)
    yield ""
    yield from (f"{label.ljust(14)}{value}"[:width] for label, value in _how(proposal))
    yield from section("What to expect (p10 / p50 / p90)", list(_speeds(proposal)), width)
    yield from section("What was wanted", [capital(one.say) for one in proposal.targets], width)
    yield from section(
        "What was measured here (median; p10 / p50 / p90)", outcome_lines(proposal.measured), width
    )
    yield from section("What it costs", cost_lines(proposal.cost), width)
    yield from chart_lines(proposal.cost, width, glyphs)
    yield from section("What would make it fit", map(_say, proposal.changes), width)
    yield from section("Other ways", map(_say, proposal.alternatives), width)
    yield from section("What is lost, as measured here", _measured(proposal), width)
    fallback = [] if proposal.fallback is None else [_say(proposal.fallback)]
    yield from section("If that cannot be kept", fallback, width)
    why = [one.say for one in proposal.reasons if one.about in _SHOWN_WHY]
    yield from section("Why", map(capital, why), width)
    yield from section("Not known", map(capital, proposal.missing), width)
    yield from section("Notes", map(capital, proposal.notes), width)


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


def section(title: str, lines: Iterable[str], width: int) -> Iterator[str]:
    """A title and its lines, each wrapped and marked; nothing where there are none."""
    told = [line for line in lines if line]
    if told:
        yield ""
        yield title
        for line in told:
            yield from wrapped(line, width, "  - ", "    ")


def wrapped(text: str, width: int, first: str = "", later: str = "") -> list[str]:
    """`text` in lines of at most `width`, the first and the later ones with what leads them."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=later,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    )


def capital(text: str) -> str:
    """`text` with a capital at its beginning."""
    return text[:1].upper() + text[1:]
