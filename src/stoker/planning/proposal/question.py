"""Everything that a proposal is made from: one model, one machine, what was asked for, the figures.

Pure. The question knows how to judge a plan by a count; what is made of it is `proposing`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from stoker.core.losses import MeasuredLoss, QuantizationLoss
from stoker.core.machine import Machine
from stoker.core.memory import MemoryNeed
from stoker.core.model import LocalModel, ModelFacts
from stoker.core.plan import Device, Plan, Verdict
from stoker.core.proposal import Alternative
from stoker.core.published import PublishedLoss
from stoker.core.speed import Occasion, Speed
from stoker.planning.catalogue import Entry
from stoker.planning.proposal.choosing import Asked
from stoker.planning.proposal.counting import Count, count_plainly
from stoker.planning.proposal.fitting import Room, room_of
from stoker.planning.proposal.obtaining import how_to_have, ladder_of
from stoker.planning.proposal.placing import Placed, on_processor, place
from stoker.planning.proposal.quantizations import Quantized, is_native, quantizations_of
from stoker.planning.quality import known_loss

EstimateSpeed = Callable[[Plan, Device, Machine, Occasion], Speed]


@dataclass(frozen=True, slots=True)
class Question:
    """One model on one machine, with everything that a proposal is made from.

    `quantization` is what the model's file is called by, `listed` the files of other quantizations
    at its source with their bytes. `gpus` says whether GPUs may be planned with. `taken` is what
    models planned before this one take of each device. `losses` are published, `measured` those of
    this model that were measured here. `api` is where requests may go instead. `count` tells the
    memory of plans of this model.
    """

    model: LocalModel
    source: str
    quantization: str
    machine: Machine
    asked: Asked
    estimate: EstimateSpeed
    here: bool = True
    gpus: bool = False
    budget_bytes: int | None = None
    taken: Mapping[str, int] = field(default_factory=dict)
    losses: Sequence[PublishedLoss] = ()
    measured: Sequence[MeasuredLoss] = ()
    listed: Mapping[str, int] = field(default_factory=dict)
    catalogue: Sequence[Entry] = ()
    api: Alternative | None = None
    count: Count = count_plainly

    @property
    def room(self) -> Room:
        """What the machine's memory has for this model."""
        return room_of(self.machine, self.budget_bytes).without(self.taken.get("cpu", 0))

    def placed(self, need: MemoryNeed, facts: ModelFacts) -> Placed:
        """`need` on the device that computes."""
        if self.gpus:
            return place(need, facts, self.machine, self.budget_bytes, self.taken)
        return on_processor(need, facts, self.room)

    def judge(self, plan: Plan) -> Verdict:
        """Whether `plan` fits, by `count`."""
        return self.placed(self.count(plan), plan.model.facts).verdict

    def loss(self, quantization: str) -> QuantizationLoss:
        """What is known of the loss by `quantization`."""
        native = is_native(self.model.facts, quantization)
        return known_loss(quantization, self.losses, self.measured, native=native)

    @property
    def quantized(self) -> tuple[Quantized, ...]:
        """The other quantizations of the model."""
        facts, ladder = self.model.facts, ladder_of(self.quantization, here=self.here)
        return quantizations_of(facts, self.quantization, self.losses, self.listed, ladder)

    def how_to_have(self, wanted: Quantized) -> str:
        """How another quantization can be had, in words; nothing where its source lists it."""
        return how_to_have(wanted, self.quantization, self.source, here=self.here)
