"""The speeds that somebody wants, held against what a plan is expected to reach; what would do.

Pure. Whether a machine serves a volume is `capacity`'s; here it is one answer and who waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from stoker.core.estimate import Interval
from stoker.core.plan import Plan
from stoker.core.proposal import Alternative, Met, Proposal, Target
from stoker.core.speed import Speed
from stoker.core.units import format_seconds
from stoker.planning.capacity import at_least, at_most
from stoker.planning.catalogue import rank, reaches
from stoker.planning.proposal.choosing import Asked
from stoker.planning.proposal.counting import count_plainly
from stoker.planning.proposal.question import Question
from stoker.planning.proposal.substitutes import offer_entry, offer_quantization, plan_for_entry
from stoker.planning.words import exact, rate_span, seconds_span

# How far from what is wanted, the worst first.
_ORDER = (Met.NO, Met.UNKNOWN, Met.UNCLEAR, Met.YES)


def targets_of(asked: Asked, speed: Speed) -> tuple[Target, ...]:
    """Each speed that was wanted, with what is expected.

    Tokens a second are those of one of as many answers as were asked for at a time; of one alone
    where nobody asked for several.
    """
    return tuple(_targets(asked, speed))


def met_of(targets: Iterable[Target]) -> Met:
    """The worst of them; `yes` where nothing was wanted."""
    return min((one.met for one in targets), key=_ORDER.index, default=Met.YES)


def find_faster(question: Question, proposal: Proposal) -> Iterator[Alternative]:
    """What would meet the targets that `proposal` misses, told by the same estimate.

    The widest of the narrower quantizations that does, and the best of the smaller models that fits
    and is as good as was wanted. What only may meet them is offered where they are surely missed.
    """
    if met_of(proposal.targets) not in {Met.NO, Met.UNCLEAR}:
        return
    for tried in (_quantizations(question, proposal), _models(question, proposal)):
        found = _best(tried, met_of(proposal.targets))
        if found is not None:
            yield found


def _targets(asked: Asked, speed: Speed) -> Iterator[Target]:
    ttft, rate, streams = asked.needs.ttft_s_max, asked.needs.tok_s_min, asked.slots or 1
    if ttft is not None:
        what = f"the first token of a prompt of {speed.occasion.prompt_tokens} tokens within"
        met = at_most(speed.ttft_s, ttft)
        expected = None if speed.ttft_s is None else seconds_span(speed.ttft_s)
        say = _say(f"{what} {format_seconds(ttft)}", met, expected)
        yield Target("ttft_s_max", ttft, speed.ttft_s, met, say)
    if rate is not None:
        value = speed.stream_tok_s if streams > 1 else speed.decode_tok_s
        whose = f"each of {streams} answers" if streams > 1 else "one answer alone"
        met = at_least(value, rate)
        say = _say(f"{whose} at {exact(rate)} tokens/s or more", met, _rate(value))
        yield Target("tok_s_min", rate, value, met, say)


def _rate(value: Interval | None) -> str | None:
    return None if value is None else rate_span(value)


def _say(what: str, met: Met, expected: str | None) -> str:
    return f"{what}: {met}, {expected or 'for no speed is known'}"


def _best(tried: Iterable[tuple[Met, Alternative]], now: Met) -> Alternative | None:
    """The first that meets the targets; else, where they are missed now, one that may."""
    maybe = None
    for met, one in tried:
        if met is Met.YES:
            return replace(one, say=f"{one.say}; it meets the speeds that were wanted")
        if met is Met.UNCLEAR and now is Met.NO and maybe is None:
            maybe = replace(one, say=f"{one.say}; it may meet the speeds that were wanted")
    return maybe


def _quantizations(question: Question, proposal: Proposal) -> Iterator[tuple[Met, Alternative]]:
    own = proposal.plan.model.facts.file_bytes
    for one in question.quantized:
        if one.weights_bytes < own:
            offer, speed = offer_quantization(question, proposal, one)
            if offer.verdict is not None and offer.verdict.usable:
                yield met_of(targets_of(question.asked, speed)), offer


def _models(question: Question, proposal: Proposal) -> Iterator[tuple[Met, Alternative]]:
    """The smaller models that fit, the best first."""
    plan, wanted = proposal.plan, question.asked.needs.quality
    smaller = [
        entry
        for entry in question.catalogue
        if entry.weights_bytes < plan.model.facts.file_bytes
        and (wanted is None or reaches(entry.tier, wanted))
    ]
    for entry in sorted(smaller, key=lambda one: (-rank(one.tier), -one.weights_bytes)):
        offer = offer_entry(question, plan, entry)
        if offer is not None:
            speed = _speed(question, plan_for_entry(entry, plan), proposal)
            yield (
                met_of(targets_of(question.asked, speed)),
                replace(offer, decode_tok_s=speed.decode_tok_s),
            )


def _speed(question: Question, plan: Plan, proposal: Proposal) -> Speed:
    """How fast another model is on the same occasion."""
    placed = question.placed(count_plainly(plan), plan.model.facts)
    return question.estimate(plan, placed.device, question.machine, proposal.speed.occasion)
