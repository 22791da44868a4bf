"""Questions for planning tests: well-known models on the testing machines."""

from __future__ import annotations

from typing import Any

from stoker.core.needs import Needs
from stoker.core.plan import Plan
from stoker.core.proposal import Proposal
from stoker.library.judging.speeds import estimate_elsewhere
from stoker.library.judging.surroundings import shipped_catalogue
from stoker.planning.defaults import Wishes
from stoker.planning.proposal.choosing import Asked
from stoker.planning.proposal.counting import count_plainly
from stoker.planning.proposal.proposing import draft, propose
from stoker.planning.proposal.question import Question
from stoker.planning.proposal.well_known import model_of
from stoker.published.figures import load_losses
from stoker.testing.machines import MACHINES

CATALOGUE = shipped_catalogue()
ENTRIES = {entry.shape.name: entry for entry in CATALOGUE}


def ask(name: str = "Llama-3.1-8B", machine: str = "laptop", **more: Any) -> Question:
    """A question about a model of the catalogue; `wishes` and `needs` are what is asked for."""
    wishes, needs = more.pop("wishes", Wishes()), more.pop("needs", Needs())
    kv_type, shared = more.pop("kv_type", "f16"), more.pop("shared_by", 1)
    model = more.pop("model", None) or model_of(ENTRIES[name])
    return Question(
        model=model,
        source=name,
        quantization=more.pop("quantization", ENTRIES[name].quantization),
        machine=MACHINES[machine],
        asked=Asked(wishes, needs, kv_type, shared_by=shared),
        estimate=estimate_elsewhere,
        losses=load_losses(),
        catalogue=CATALOGUE,
        **more,
    )


def answer(question: Question, plan: Plan | None = None) -> Proposal:
    """The proposal, by formula."""
    chosen = plan or draft(question)
    return propose(question, chosen, count_plainly(chosen))
