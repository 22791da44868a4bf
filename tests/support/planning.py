"""Questions for planning tests: well-known models on the testing machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stoker.core.model import LocalModel, ModelRef
from stoker.core.needs import Needs
from stoker.core.plan import Plan
from stoker.core.proposal import Proposal
from stoker.planning.catalogue import Entry, build_catalogue
from stoker.planning.defaults import Wishes
from stoker.planning.proposal.choosing import Asked
from stoker.planning.proposal.counting import count_plainly
from stoker.planning.proposal.proposing import draft, propose
from stoker.planning.proposal.question import Question
from stoker.planning.proposal.well_known import facts_of_shape
from stoker.planning.speed.rough import rough_speed
from stoker.published.figures import load_losses, load_shapes, load_sizes
from stoker.published.judgement import load_judgement
from stoker.testing.machines import MACHINES

CATALOGUE = build_catalogue(load_shapes(), load_sizes(), load_losses(), load_judgement())
ENTRIES = {entry.shape.name: entry for entry in CATALOGUE}


def well_known(entry: Entry) -> LocalModel:
    """A model of the catalogue, as if its header had been read."""
    facts = facts_of_shape(entry.shape, entry.quantization, entry.weights_bytes)
    return LocalModel(ModelRef(entry.shape.name), Path(entry.shape.name), facts)


def ask(name: str = "Llama-3.1-8B", machine: str = "laptop", **more: Any) -> Question:
    """A question about a model of the catalogue; `wishes` and `needs` are what is asked for."""
    wishes, needs = more.pop("wishes", Wishes()), more.pop("needs", Needs())
    kv_type, shared = more.pop("kv_type", "f16"), more.pop("shared_by", 1)
    model = more.pop("model", None) or well_known(ENTRIES[name])
    return Question(
        model=model,
        source=name,
        quantization=more.pop("quantization", ENTRIES[name].quantization),
        machine=MACHINES[machine],
        asked=Asked(wishes, needs, kv_type, shared_by=shared),
        estimate=rough_speed,
        losses=load_losses(),
        catalogue=CATALOGUE,
        **more,
    )


def answer(question: Question, plan: Plan | None = None) -> Proposal:
    """The proposal, by formula."""
    chosen = plan or draft(question)
    return propose(question, chosen, count_plainly(chosen))
