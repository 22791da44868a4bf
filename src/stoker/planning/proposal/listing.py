"""What a machine can run: models of the catalogue, counted, placed and judged.

Pure. Everything here is by formula from published shapes; a header, once it is read, says more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from stoker.core.estimate import Interval
from stoker.core.model import LocalModel
from stoker.core.needs import Quality
from stoker.core.plan import Device, Verdict
from stoker.core.published import PublishedLoss
from stoker.core.speed import Speed
from stoker.planning.catalogue import Entry
from stoker.planning.proposal.choosing import Asked
from stoker.planning.proposal.counting import count_plainly
from stoker.planning.proposal.proposing import draft, occasion_of
from stoker.planning.proposal.quantizations import quantizations_of, requantized
from stoker.planning.proposal.question import Question
from stoker.planning.proposal.well_known import model_of

SHOWN = ("Q8_0", "Q4_K_M", "Q2_K")


@dataclass(frozen=True, slots=True)
class Row:
    """One model in one quantization on a machine; a tier of None is unproven."""

    name: str
    parameters: int
    quantization: str
    tier: Quality | None
    weights_bytes: int
    total_bytes: int
    context: int
    device: Device
    verdict: Verdict
    speed: Speed

    @property
    def decode_tok_s(self) -> Interval | None:
        """Tokens a second of one answer alone."""
        return self.speed.decode_tok_s

    @property
    def ttft_s(self) -> Interval | None:
        """Seconds to the first token."""
        return self.speed.ttft_s


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


def list_published(question: Question, catalogue: Sequence[Entry]) -> list[Row]:
    """Each model of `catalogue` in its own quantization alone, as `list_models` has it."""
    return [_row(question, entry, entry.quantization, model_of(entry)) for entry in catalogue]


def _rows(question: Question, entry: Entry, losses: Sequence[PublishedLoss]) -> Iterator[Row]:
    own = model_of(entry)
    others = quantizations_of(own.facts, entry.quantization, losses)
    made = [
        (one.name, replace(own, facts=requantized(own.facts, one)))
        for one in others
        if one.name in SHOWN
    ]
    every = [(entry.quantization, own), *made]
    for name, model in sorted(every, key=lambda one: -one[1].facts.file_bytes):
        yield _row(question, entry, name, model)


def _row(question: Question, entry: Entry, name: str, model: LocalModel) -> Row:
    one = replace(question, model=model, quantization=name)
    plan = draft(one)
    need = count_plainly(plan)
    placed = one.placed(need, model.facts)
    occasion = occasion_of(plan, one.asked)
    return Row(
        name=entry.shape.name,
        parameters=model.facts.parameters,
        quantization=name,
        tier=entry.tier,
        weights_bytes=need.weights_bytes,
        total_bytes=need.total_bytes,
        context=plan.context,
        device=placed.device,
        verdict=placed.verdict,
        speed=one.estimate(plan, placed.device, one.machine, occasion),
    )
