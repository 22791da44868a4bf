"""Whether a model is as good as somebody wants it, by what models of its size are trusted with.

Pure. A judgement by size and no measurement: what a model does on one's own tasks is `compare`'s.
"""

from __future__ import annotations

import math

from stoker.core.judgement import Judgement
from stoker.core.model import ModelFacts, Task
from stoker.core.needs import Quality
from stoker.core.proposal import Reason
from stoker.core.units import format_count
from stoker.planning.catalogue import reaches, tier_of


def trust_in(facts: ModelFacts, wanted: Quality | None, judgement: Judgement) -> tuple[Reason, ...]:
    """The reason about `quality` for a model with `facts`; none where nothing was wanted of it.

    A model that makes vectors writes nothing that could be good.
    """
    if wanted is None or facts.task is Task.EMBED:
        return ()
    return (Reason("quality", f"the quality {wanted}: {_answer(facts, wanted, judgement)}"),)


def _answer(facts: ModelFacts, wanted: Quality, judgement: Judgement) -> str:
    active = facts.parameters_active or facts.parameters
    tier = tier_of(math.sqrt(facts.parameters * active), judgement)
    size = f"a model of {format_count(facts.parameters)} parameters"
    if tier is None:
        return (
            f"unknown, {size} is unproven until it was tried on your own tasks, with "
            "`stoker compare --tasks`"
        )
    met = "yes" if reaches(tier, wanted) else "no"
    return f"{met}, {size} is trusted with what is {tier}, judged by its size alone"
