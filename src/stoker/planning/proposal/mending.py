"""What would make a plan fit: the smallest change of each kind, found by trying.

Pure. A change is small where people notice little of it: first fewer answers at a time, then a
smaller format of the KV cache, a shorter context, a smaller quantization (rather one that can be
made here or is at the source), several of these, and last another model. What is found does fit, by
the same judgement that the plan did not; no context becomes shorter than what was stated of prompts
and answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from stoker.core.model import AttentionKind, LocalModel
from stoker.core.plan import Plan
from stoker.core.proposal import Alternative, ChangeKind
from stoker.core.units import format_bytes
from stoker.planning.memory.shapes import head_lengths
from stoker.planning.proposal.choosing import CELLS, Judge
from stoker.planning.proposal.counting import Count
from stoker.planning.proposal.quantizations import Quantized, requantized

# Shorter than this a context holds no conversation.
CONTEXT_USEFUL = 512
_KV_SMALLER = ("q8_0", "q4_0")
_KV_BLOCK = 32
_KEPT = frozenset(AttentionKind) - {AttentionKind.RECURRENT, AttentionKind.NONE}


def _as_it_is(plan: Plan) -> Plan:
    return plan


def _nothing(_: Quantized) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Search:
    """How plans are counted and judged, and what may be tried.

    `quantized` are other forms of the same model, those that are at hand first, and `of` says in
    words how to have one and what it loses. `settle` lets what nobody asked for give way.
    `context_least` is in tokens.
    """

    count: Count
    judge: Judge
    quantized: Sequence[Quantized] = ()
    context_least: int = CONTEXT_USEFUL
    settle: Callable[[Plan], Plan] = _as_it_is
    of: Callable[[Quantized], str] = _nothing


def changes_that_fit(plan: Plan, search: Search) -> tuple[Alternative, ...]:
    """The changes that would make `plan` fit, each the smallest of its kind, the smallest first."""
    single = [change for find in _SINGLE if (change := find(plan, search))]
    return tuple(single) or tuple(_several(plan, search))


def _fewer_slots(plan: Plan, search: Search) -> Alternative | None:
    found = _largest(1, plan.slots - 1, lambda slots: replace(plan, slots=slots), search)
    if found is None:
        return None
    say = f"{found.slots} instead of {plan.slots} answers at a time (--parallel {found.slots})"
    return _change(ChangeKind.SLOTS, str(found.slots), say, found, search)


def _smaller_kv(plan: Plan, search: Search) -> Alternative | None:
    for kind in _KV_SMALLER if takes_quantized_kv(plan) else ():
        found = replace(plan, kv_type=kind)
        if search.judge(found).usable:
            say = f"a KV cache in {kind} (--kv-type {kind}), which attention reads more slowly"
            return _change(ChangeKind.KV_TYPE, kind, say, found, search)
    return None


def _shorter_context(plan: Plan, search: Search) -> Alternative | None:
    found = _shortened(plan, search)
    if found is None:
        return None
    say = f"a context of {found.context} instead of {plan.context} tokens (--ctx {found.context})"
    return _change(ChangeKind.CONTEXT, str(found.context), say, found, search)


def _smaller_quantization(plan: Plan, search: Search) -> Alternative | None:
    for one in _narrower(plan, search):
        found = search.settle(with_quantization(plan, one))
        if search.judge(found).usable:
            size = format_bytes(one.weights_bytes)
            say = f"the quantization {one.name}, with about {size} of weights"
            say += _given_up(plan, found)
            change = _change(ChangeKind.QUANTIZATION, one.name, say, found, search)
            return replace(change, say=f"{change.say}{search.of(one)}")
    return None


def _given_up(plan: Plan, found: Plan) -> str:
    """What gave way that nobody asked for, in words."""
    parts = []
    if found.slots != plan.slots:
        parts.append("one answer" if found.slots == 1 else f"{found.slots} answers")
        parts[-1] += " at a time"
    if found.context != plan.context:
        parts.append(f"{found.context} tokens of context")
    return f", {' and '.join(parts)}" if parts else ""


_SINGLE: tuple[Callable[[Plan, Search], Alternative | None], ...] = (
    _fewer_slots,
    _smaller_kv,
    _shorter_context,
    _smaller_quantization,
)


def _several(plan: Plan, search: Search) -> Iterator[Alternative]:
    """One answer at a time and a shorter context; then in smaller and smaller quantizations."""
    one = replace(plan, slots=1)
    for quantized in (None, *_narrower(plan, search)):
        base = one if quantized is None else with_quantization(one, quantized)
        found = base if search.judge(base).usable else _shortened(base, search)
        if found is not None:
            parts = [f"--parallel {found.slots}"] if plan.slots > 1 else []
            parts += [f"--ctx {found.context}"] if found.context != plan.context else []
            values = [*([quantized.name] if quantized else []), *parts]
            say = " and ".join([", ".join(values[:-1]), values[-1]] if values[1:] else values)
            change = _change(ChangeKind.SEVERAL, " ".join(values), say, found, search)
            yield replace(change, say=f"{change.say}{search.of(quantized) if quantized else ''}")
            return


def _shortened(plan: Plan, search: Search) -> Plan | None:
    """`plan` with the longest shorter context that fits."""

    def make(blocks: int) -> Plan:
        return replace(plan, context=blocks * CELLS)

    least = -(-max(CONTEXT_USEFUL, search.context_least) // CELLS)
    return _largest(least, (plan.context - 1) // CELLS, make, search)


def takes_quantized_kv(plan: Plan) -> bool:
    """Whether the engine can keep this model's keys and values in blocks of 32.

    Of latent attention it keeps one row for both, and that is quantized as a whole.
    """
    facts = plan.model.facts
    kinds = set(facts.attention) & _KEPT
    lengths = [length for kind in kinds for length in head_lengths(facts, kind)]
    if AttentionKind.LATENT in kinds:
        lengths = [length for length in (*lengths, facts.layout.latent) if length]
    return (
        plan.kv_type in {"f16", "bf16", "f32"}
        and bool(lengths)
        and all(length and length % _KV_BLOCK == 0 for length in lengths)
    )


def with_quantization(plan: Plan, wanted: Quantized) -> Plan:
    """`plan` for the same model in another quantization."""
    model = LocalModel(plan.model.ref, plan.model.path, requantized(plan.model.facts, wanted))
    return replace(plan, model=model)


def _narrower(plan: Plan, search: Search) -> list[Quantized]:
    own = plan.model.facts.file_bytes
    return [one for one in search.quantized if one.weights_bytes < own]


def _largest(low: int, high: int, make: Callable[[int], Plan], search: Search) -> Plan | None:
    """The plan of the largest number from `low` to `high` that fits; more never takes less."""
    if low > high or not search.judge(make(low)).usable:
        return None
    while low < high:
        middle = (low + high + 1) // 2
        if search.judge(make(middle)).usable:
            low = middle
        else:
            high = middle - 1
    return make(low)


def _change(kind: ChangeKind, value: str, say: str, plan: Plan, search: Search) -> Alternative:
    need = search.count(plan)
    return Alternative(
        kind=kind,
        value=value,
        say=f"{say}: {format_bytes(need.total_bytes)} in all",
        verdict=search.judge(plan),
        weights_bytes=need.weights_bytes,
        total_bytes=need.total_bytes,
        source=need.source,
    )
