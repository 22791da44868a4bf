"""Whether a model is as good as is wanted is said for every model, unproven ones too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stoker.core.model import Task
from stoker.core.needs import Quality
from stoker.planning.catalogue import reaches
from stoker.planning.proposal.trust import trust_in
from stoker.planning.proposal.well_known import model_of
from stoker.published.judgement import load_judgement
from support.planning import CATALOGUE, ENTRIES

JUDGEMENT = load_judgement()


@pytest.mark.parametrize("wanted", list(Quality))
def test_it_says_of_each_well_known_model_what_the_catalogue_says(wanted: Quality) -> None:
    for entry in CATALOGUE:
        (reason,) = trust_in(model_of(entry).facts, wanted, JUDGEMENT)
        assert reason.about == "quality"
        met = "unknown"
        if entry.tier is not None:
            met = "yes" if reaches(entry.tier, wanted) else "no"
        assert reason.say.startswith(f"the quality {wanted}: {met}, "), entry.shape.name


def test_of_an_unproven_model_it_says_how_to_try_it() -> None:
    (reason,) = trust_in(model_of(ENTRIES["Qwen2.5-0.5B"]).facts, Quality.GOOD, JUDGEMENT)
    assert "494 M parameters is unproven" in reason.say
    assert "stoker compare" in reason.say


def test_nothing_is_said_where_nothing_was_wanted_or_nothing_is_written() -> None:
    facts = model_of(ENTRIES["Qwen2.5-0.5B"]).facts
    assert trust_in(facts, None, JUDGEMENT) == ()
    assert trust_in(replace(facts, task=Task.EMBED), Quality.GOOD, JUDGEMENT) == ()
