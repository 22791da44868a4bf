"""Context, slots and threads: what somebody asked for, else what fits with something to spare.

Pure. What was asked for is never changed here, whether it fits or not; what was not asked for
gives way, first places for answers, then length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from stoker.core.errors import InvalidRequestError
from stoker.core.machine import Machine
from stoker.core.model import LocalModel
from stoker.core.needs import Needs
from stoker.core.plan import KV_TYPES, Plan, Verdict
from stoker.planning.defaults import (
    CONTEXT_DEFAULT,
    CONTEXT_UNKNOWN,
    Wishes,
    check_wishes,
    default_threads,
)

SLOTS_DEFAULT = 4
CONTEXT_LEAST = 1024
# A context is a multiple of this, for the engine rounds it up.
CELLS = 256

Judge = Callable[[Plan], Verdict]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked for, by hand or by stating needs.

    `shared_by` is how many models divide the processor's cores.
    """

    wishes: Wishes
    needs: Needs = field(default_factory=Needs)
    kv_type: str = "f16"
    engine: str = "llamacpp"
    shared_by: int = 1

    @property
    def context(self) -> int | None:
        """Tokens of a slot that were asked for; None leaves it to us."""
        return self.wishes.context or self.needs.context

    @property
    def slots(self) -> int | None:
        """Answers at a time that were asked for; None leaves it to us."""
        stated = self.needs.concurrency if self.needs.concurrency > 1 else None
        return self.wishes.slots or stated

    @property
    def context_least(self) -> int:
        """Tokens of the stated prompt with its answer, rounded up as an engine does; 0 if unstated.

        What was not asked for may give way to memory, but not below this.
        """
        return -(-self.spoken // CELLS) * CELLS

    @property
    def spoken(self) -> int:
        """Tokens of the stated prompt with its answer."""
        return (self.needs.prompt_tokens or 0) + (self.needs.answer_tokens or 0)

    def is_within(self, trained: int) -> bool:
        """Whether a model that was trained for so many tokens, 0 for unknown, can serve this."""
        return not trained or max(self.context or 0, self.spoken) <= trained


def first_plan(model: LocalModel, machine: Machine, asked: Asked) -> Plan:
    """The plan with all that was asked for, and defaults for the rest, whether it fits or not.

    Raises:
        InvalidRequestError: something asked for is out of its bounds.
    """
    check_wishes(replace(asked.wishes, context=asked.context, slots=asked.slots), model)
    if asked.kv_type not in KV_TYPES:
        raise InvalidRequestError(
            f"{asked.kv_type!r} is no number format of a KV cache",
            hint=f"use one of: {', '.join(KV_TYPES)}",
        )
    return Plan(
        model=model,
        engine=asked.engine,
        context=asked.context or _default_context(model, asked),
        slots=asked.slots or SLOTS_DEFAULT,
        threads=asked.wishes.threads or _threads(model, machine, asked),
        kv_type=asked.kv_type,
    )


def choose(first: Plan, asked: Asked, judge: Judge) -> Plan:
    """`first`, or the nearest plan that fits with what was asked for as it is.

    One that fits with something to spare goes before a tight one; where none fits, `first`.
    """
    tight = None
    for plan in _smaller(first, asked):
        verdict = judge(plan)
        if verdict is Verdict.FITS:
            return plan
        if verdict.usable and tight is None:
            tight = plan
    return tight or first


def what_is_cut(plan: Plan, asked: Asked) -> str:
    """What of the stated prompt and answer `plan` has no context for, in words; else nothing."""
    if asked.spoken <= plan.context:
        return ""
    trained = plan.model.facts.context_length
    why = ", which is all that the model was trained for" if plan.context == trained else ""
    return (
        f"the stated prompt and answer take {asked.spoken} tokens and a slot has {plan.context}"
        f"{why}: longer requests are refused"
    )


def _smaller(first: Plan, asked: Asked) -> Iterator[Plan]:
    """`first` and plans that take less, the nearest first."""
    least = max(CONTEXT_LEAST, asked.context_least)
    for context in _halved(first.context, least) if not asked.context else [first.context]:
        for slots in _halved(first.slots, 1) if not asked.slots else [first.slots]:
            yield replace(first, context=context, slots=slots)


def _halved(value: int, least: int) -> Iterator[int]:
    """`value`, its half, and so on, and at last `least` itself."""
    yield value
    while value // 2 > least:
        value //= 2
        yield value
    if value > least:
        yield least


def _threads(model: LocalModel, machine: Machine, asked: Asked) -> int:
    return max(1, default_threads(model, machine) // asked.shared_by)


def _default_context(model: LocalModel, asked: Asked) -> int:
    """What needs speak of, with room for a conversation, within what the model was trained for."""
    trained, least = model.facts.context_length, asked.context_least
    return min(trained, max(CONTEXT_DEFAULT, least)) if trained else max(CONTEXT_UNKNOWN, least)
