"""What a machine can run: the catalogue's models in several quantizations, counted and judged.

Pure. Everything here is by formula from published shapes; a header, once it is read, says more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stoker.core.estimate import Interval
from stoker.core.model import LocalModel, ModelFacts, ModelRef
from stoker.core.plan import Device, Verdict
from stoker.core.published import PublishedLoss
from stoker.planning.catalogue import Entry
from stoker.planning.proposal.choosing import Asked
from stoker.planning.proposal.counting import count_plainly
from stoker.planning.proposal.proposing import draft, occasion_of
from stoker.planning.proposal.quantizations import quantizations_of, requantized
from stoker.planning.proposal.question import Question
from stoker.planning.proposal.well_known import facts_of_shape

SHOWN = ("Q8_0", "Q4_K_M", "Q2_K")


@dataclass(frozen=True, slots=True)
class Row:
    """One model in one quantization on a machine; what is not known is None."""

    name: str
    parameters: int
    quantization: str
    tier: str | None
    weights_bytes: int
    total_bytes: int
    context: int
    device: Device
    verdict: Verdict
    decode_tok_s: Interval | None
    ttft_s: Interval | None


def list_models(
    question: Question, catalogue: Sequence[Entry], losses: Sequence[PublishedLoss]
) -> list[Row]:
    """Each model of `catalogue` in its own and some other quantizations, the smallest first.

    `question` has the machine and what was asked for; its model is another one in each row. Those
    of `too_short` are left out.
    """
    return [
        row
        for entry in catalogue
        if question.asked.is_within(entry.shape.context_length)
        for row in _rows(question, entry, losses)
    ]


def too_short(asked: Asked, catalogue: Sequence[Entry]) -> tuple[tuple[str, int], ...]:
    """The models that were trained for less context than is asked for: names, and tokens."""
    short = (one.shape for one in catalogue if not asked.is_within(one.shape.context_length))
    return tuple((shape.name, shape.context_length) for shape in short)


def _rows(question: Question, entry: Entry, losses: Sequence[PublishedLoss]) -> Iterator[Row]:
    own = facts_of_shape(entry.shape, entry.quantization, entry.weights_bytes)
    others = quantizations_of(own, entry.quantization, losses)
    made = [(one.name, requantized(own, one)) for one in others if one.name in SHOWN]
    for name, facts in sorted(
        [(entry.quantization, own), *made], key=lambda one: -one[1].file_bytes
    ):
        yield _row(question, entry, name, facts)


def _row(question: Question, entry: Entry, name: str, facts: ModelFacts) -> Row:
    model = LocalModel(ModelRef(entry.shape.name), Path(entry.shape.name), facts)
    one = replace(question, model=model, quantization=name)
    plan = draft(one)
    need = count_plainly(plan)
    placed = one.placed(need, facts)
    occasion = occasion_of(plan, one.asked)
    speed = one.estimate(plan, placed.device, one.machine, occasion)
    return Row(
        name=entry.shape.name,
        parameters=facts.parameters,
        quantization=name,
        tier=entry.tier.value if entry.tier else None,
        weights_bytes=need.weights_bytes,
        total_bytes=need.total_bytes,
        context=plan.context,
        device=placed.device,
        verdict=placed.verdict,
        decode_tok_s=speed.decode_tok_s,
        ttft_s=speed.ttft_s,
    )
