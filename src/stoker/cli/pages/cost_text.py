"""Costs as sentences for people, the same in plans and in advice. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from stoker.core.costs import BreakEven, Capacity, Cost, MonthlyCost, Source, Volume
from stoker.planning.advice.facts import describe_break_even
from stoker.planning.watts import describe_watts
from stoker.planning.words import exact, usd_span


def cost_lines(cost: Cost, *, split: bool = False) -> Iterator[str]:
    """What the volume is, what it costs here and at the API, and what follows from both.

    With `split` what it costs shared between both goes first.
    """
    if cost.volume is None:
        return
    yield _volume(cost.volume)
    if split and cost.hybrid is not None:
        yield f"Split: {_month(cost.hybrid)}."
    if cost.local is not None:
        yield f"{'All of it here' if split else 'Here'}: {_month(cost.local)}."
    if cost.api is not None:
        dated = f", prices of {cost.price.dated}" if cost.price and cost.price.dated else ""
        place = f"All of it at {cost.api_reference}" if split else cost.api_reference
        yield f"{place}: {_month(cost.api)}{dated}."
    if cost.break_even is not None:
        yield _break_even(cost.break_even)
    if cost.capacity is not None:
        yield _capacity(cost.capacity)
    if cost.local is not None and cost.running is not None:
        watts = describe_watts(cost.running)
        yield f"Power: {watts}." if watts else ""


def _volume(volume: Volume) -> str:
    asked = f"{exact(volume.requests_per_day)} requests a day"
    kept = f", {volume.cached_share:.0%} of it sent before" if volume.cached_share else ""
    prompt, answer = exact(volume.prompt_tokens), exact(volume.answer_tokens)
    if not volume.answer_tokens:
        return f"For {asked} with texts of {prompt} tokens{kept}."
    return f"For {asked} with {prompt} tokens of prompt{kept} and {answer} of answer."


def _month(cost: MonthlyCost) -> str:
    """A month's cost, that of a million tokens and the parts; a lower bound says that it is one."""
    if all(part.usd is None for part in cost.parts):
        return f"unknown ({', '.join(cost.missing)} missing)"
    parts = [
        f"{part.name} {'unknown' if part.usd is None else usd_span(part.usd)}"
        for part in cost.parts
    ]
    read = any(part.source is Source.READ for part in cost.parts)
    least = "at least " if cost.total is None or read else ""
    each = cost.usd_per_mtok
    per = "" if each is None else f", {usd_span(each)} for a million tokens"
    return f"{least}{usd_span(cost.known)} a month{per} ({', '.join(parts)})"


def _break_even(even: BreakEven) -> str:
    text = describe_break_even(even)
    return f"{text[:1].upper()}{text[1:]}."


def _capacity(capacity: Capacity) -> str:
    latency = "" if capacity.latency is None else f"; {capacity.latency.why}"
    return f"Capacity is {capacity.serves}: {capacity.why}{latency}."
