"""Advice: the situation, the rules' answer, what would change it, and what to watch.

Pure: what a machine can do, what prices are and which rules hold is passed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from stoker.core.advice import Advice, Answer, Change
from stoker.core.costs import Source
from stoker.core.machine import Machine
from stoker.core.needs import DataPlace, Needs
from stoker.core.rules import RuleBook
from stoker.core.speed import SpeedSource
from stoker.planning.advice.changes import find_changes, find_pairs, with_gpus
from stoker.planning.advice.facts import Facts, state_facts
from stoker.planning.advice.privacy import ASSUMED, say_assumed
from stoker.planning.advice.rules import Decision, allowed_answers, decide, holds, say
from stoker.planning.advice.situation import Case, Situation, look_at, with_case
from stoker.planning.watts import assumed_watts

# How needs that nobody stated are taken; others are in the judgement.
_UNSTATED = {"stage": "a project in production", "concurrency": "one answer at a time"}
# What is assumed where speeds come from somewhere else than this machine.
_SPEEDS_BY = {
    SpeedSource.PUBLISHED: ("speeds by makers' figures and published speeds of like devices",),
    SpeedSource.ROUGH: ("rough speeds, by how fast memory is read",),
}


def advise(case: Case, book: RuleBook) -> Advice:
    """Where to run what `case` needs, by the rules of `book`."""
    situation = look_at(case)
    decision = decide(book, state_facts(situation), allowed_answers(case.needs))
    answer = decision.answer
    facts = state_facts(situation, answer)
    return Advice(
        answer=answer,
        headline=_headline(answer, situation),
        reasons=decision.fired,
        changes=_changes(case, book, answer),
        watch=tuple(say(one.say, facts) for one in book.watches if holds(one.when, facts)),
        boundary=_boundary(book, facts) if answer is Answer.HYBRID else (),
        local=situation.local,
        api=situation.api,
        cost=situation.cost,
        assumed=tuple(_assumed(situation)),
        missing=tuple(_missing(situation)),
        rules=tuple((rule.name, holds(rule.when, facts)) for rule in book.rules),
        options=situation.options,
        **_privacy(case, book),
    )


def _privacy(case: Case, book: RuleBook) -> Mapping[str, Any]:
    """What is said of the boundary where nobody stated it; nothing where somebody did."""
    if not case.needs.leaves_data_open:
        return {}
    needs = replace(case.needs, data=DataPlace.MACHINE)
    stays = _decision(with_case(case, needs, case.machine), book).answer
    return {"if_data_stays": stays, "data_note": say_assumed(stays)}


def _changes(case: Case, book: RuleBook, now: Answer) -> tuple[Change, ...]:
    def ask(needs: Needs, machine: Machine) -> Answer:
        return _decision(with_case(case, needs, machine), book).answer

    gpus = [*with_gpus(case.needs, case.machine, case.gpus_idle)]
    changes = find_changes(case.needs, case.machine, now, ask, gpus)
    if now is Answer.CONTRADICTION and not changes:
        return find_pairs(case.needs, case.machine, ask)
    return changes


def _decision(case: Case, book: RuleBook) -> Decision:
    return decide(book, state_facts(look_at(case)), allowed_answers(case.needs))


def _headline(answer: Answer, situation: Situation) -> str:
    local, api = situation.local, situation.api
    here = "no model" if local is None else local.name
    there = "an endpoint" if api is None else api.reference
    kind = "" if local is None else f" in {local.quantization}"
    return {
        Answer.LOCAL: f"Run it here: {here}{kind}.",
        Answer.API: f"Use an API: {there}.",
        Answer.HYBRID: f"Split it: sensitive work stays here ({here}), the rest goes to {there}.",
        Answer.CONTRADICTION: "These needs contradict each other: nothing meets them all.",
    }[answer]


def _boundary(book: RuleBook, facts: Facts) -> tuple[str, ...]:
    return tuple(say(sentence, facts) for sentence in book.boundary)


def _assumed(situation: Situation) -> Iterator[str]:
    """What nobody stated and the answer rests on."""
    case = situation.case
    needs, judgement = case.needs, case.judgement
    if needs.leaves_data_open:
        yield ASSUMED
    yield from (_UNSTATED[name] for name in _UNSTATED if name in case.unstated)
    if needs.quality is None:
        yield f"{judgement.quality} answers"
    if needs.prompt_tokens is None:
        yield f"{judgement.prompt_tokens} tokens of prompt"
    if needs.answer_tokens is None:
        yield f"{judgement.answer_tokens} tokens of answer"
    if situation.cost.volume is not None:
        yield f"a busiest hour of {judgement.peak_factor:g} times the average"
        if case.costs.watts_source is Source.ASSUMED:
            yield assumed_watts(case.costs)
    yield from _SPEEDS_BY.get(_speed_source(situation), ())
    if situation.api is not None and not case.endpoint_named:
        yield f"{situation.api.reference} as the endpoint, which is Stoker's choice"
    if situation.api is not None and situation.api.tier is None:
        yield f"{situation.quality} answers from {situation.api.reference}, which nobody judged"
    local = situation.local
    if needs.right_share_least is None and local is not None and local.own is not None:
        yield f"{case.right_share_least:.0%} of your tasks right as enough"
    yield f"what models are trusted with, by size and maker (judgement of {judgement.date})"


def _speed_source(situation: Situation) -> SpeedSource:
    """Where the local model's speed comes from, if it has any."""
    local = situation.local
    if local is None or local.stream_tok_s is None:
        return SpeedSource.UNKNOWN
    return local.speed_source


def _missing(situation: Situation) -> Iterator[str]:
    """The figures that would have said more."""
    names = list(situation.cost.missing)
    if situation.local is not None and situation.local.stream_tok_s is None:
        names.append("tokens per second here")
    if situation.cost.volume is None:
        names.append("requests a day")
    if situation.case.tasks and not situation.case.tried:
        names.append("how many of your tasks a model here answers right")
    yield from dict.fromkeys(names)
