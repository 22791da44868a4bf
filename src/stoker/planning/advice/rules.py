"""Rules against facts: what they forbid, what they prefer, and which one decides.

Pure. What privacy allows is settled here, before any rule is read: rules can only take away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stoker.core.advice import Answer, Fired, ReasonRole
from stoker.core.needs import DataPlace, Needs
from stoker.core.rules import Condition, Rule, RuleBook
from stoker.planning.advice.facts import Facts

_ORDER = (Answer.LOCAL, Answer.HYBRID, Answer.API)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, and every rule that fired with what it did for it, the deciding one first."""

    answer: Answer
    fired: tuple[Fired, ...]


def allowed_answers(needs: Needs) -> frozenset[Answer]:
    """The answers that keep data where it must stay, whatever any rule says.

    What must stay on the machine or in the network, or must work offline, has no endpoint
    elsewhere at all; mixed data has none for everything. A hybrid is for mixed data: where
    nothing must stay there is nothing to split. Where nobody said, nothing is taken out: advice
    then says what it assumed, and the answer if data had to stay.
    """
    if needs.offline or needs.data in {DataPlace.MACHINE, DataPlace.NETWORK}:
        return frozenset({Answer.LOCAL})
    if needs.data is DataPlace.MIXED:
        return frozenset({Answer.LOCAL, Answer.HYBRID})
    return frozenset({Answer.LOCAL, Answer.API})


def decide(book: RuleBook, facts: Facts, allowed: frozenset[Answer]) -> Decision:
    """The answer that the rules of `book` come to among `allowed`.

    What is forbidden is taken away first; of several answers that are left the first rule that
    prefers one decides. Where nothing is left the needs contradict each other.
    """
    fired = [rule for rule in book.rules if holds(rule.when, facts)]
    left = allowed - {answer for rule in fired for answer in rule.forbid}
    preferred = next((rule for rule in fired if rule.prefer in left), None)
    answer = _answer(left, preferred)
    decider = preferred if len(left) > 1 else _first_forbidder(fired) or preferred
    told = (
        Fired(rule.name, _role(rule, answer, decider), say(rule.say, facts), rule.relax)
        for rule in fired
        if rule is decider or not rule.last_resort
    )
    ranks = list(ReasonRole)
    return Decision(answer, tuple(sorted(told, key=lambda one: ranks.index(one.role))))


def holds(when: Sequence[Condition], facts: Facts) -> bool:
    """Whether every condition is met."""
    return all(condition.holds(facts[condition.fact].value) for condition in when)


def say(sentence: str, facts: Facts) -> str:
    """`sentence` with its figures."""
    return sentence.format_map({name: fact.shown for name, fact in facts.items()})


def _answer(left: frozenset[Answer], preferred: Rule | None) -> Answer:
    if not left:
        return Answer.CONTRADICTION
    if preferred is not None and preferred.prefer is not None:
        return preferred.prefer
    return next(answer for answer in _ORDER if answer in left)


def _first_forbidder(fired: Sequence[Rule]) -> Rule | None:
    """Who decided where at most one answer is left: there is nothing to prefer."""
    return next((rule for rule in fired if rule.forbid), None)


def _role(rule: Rule, answer: Answer, decider: Rule | None) -> ReasonRole:
    if rule is decider:
        return ReasonRole.DECIDES
    if rule.forbid:
        return ReasonRole.FORBIDS
    return ReasonRole.SUPPORTS if rule.prefer is answer else ReasonRole.OUTVOTED
