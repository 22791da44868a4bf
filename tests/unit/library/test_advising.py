"""`suggest_runtime` gives the same advice whatever form the needs have."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import stoker
from stoker.core.advice import Advice, Answer
from stoker.core.errors import InvalidRequestError
from stoker.core.needs import DataPlace, Needs, Operations
from stoker.library.advising import suggest_runtime
from stoker.testing.machines import MACHINES

LAPTOP = MACHINES["laptop"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was ever measured of this machine."""
    monkeypatch.setenv("STOKER_HOME", str(tmp_path))


def test_needs_a_mapping_and_keywords_are_one() -> None:
    needs = Needs(data=DataPlace.MIXED, operations=Operations.WEAK)
    words = {"data": "mixed", "operations": "weak"}
    first = suggest_runtime(needs, machine=LAPTOP)
    assert first.answer is Answer.HYBRID
    assert suggest_runtime(words, machine=LAPTOP) == first
    assert suggest_runtime(machine=LAPTOP, **words) == first
    assert suggest_runtime({"data": "machine"}, machine=LAPTOP, **words) == first


def test_advice_cannot_be_changed() -> None:
    advice = suggest_runtime(machine=LAPTOP)
    with pytest.raises(dataclasses.FrozenInstanceError):
        advice.answer = Answer.LOCAL


def test_it_is_public_and_needs_nothing_stated() -> None:
    advice = stoker.suggest_runtime()
    assert isinstance(advice, Advice)
    assert advice.headline


def test_a_contradiction_is_an_answer_and_not_an_error() -> None:
    advice = suggest_runtime(data="machine", quality="frontier", machine=MACHINES["board"])
    assert advice.answer is Answer.CONTRADICTION
    assert advice.changes


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="qualty"):
        suggest_runtime(qualty="good", machine=LAPTOP)


def test_the_named_endpoint_is_compared_with() -> None:
    advice = suggest_runtime(api={"model": "openai/gpt-4o"}, requests_per_day=10, machine=LAPTOP)
    assert advice.api is not None
    assert advice.api.reference == "openai/gpt-4o"
    assert advice.api_cost.total is not None


def test_an_endpoint_without_a_price_is_marked_and_advice_goes_on() -> None:
    advice = suggest_runtime(api={"model": "openai/gpt4o"}, requests_per_day=10, machine=LAPTOP)
    assert advice.api_cost.total is None
    assert any("openai/gpt-4o" in line for line in advice.watch)


def test_watts_that_nobody_gave_are_assumed_and_marked() -> None:
    stated = {"requests_per_day": 5000, "costs": {"usd_per_kwh": 0.3}}
    assumed = suggest_runtime(stated, machine=MACHINES["gaming"])
    assert any("450 W under load" in line for line in assumed.assumed)
    given = {"usd_per_kwh": 0.3, "watts_idle": 40, "watts_load": 200}
    told = suggest_runtime(stated | {"costs": given}, machine=MACHINES["gaming"])
    assert not any(" W " in line for line in told.assumed)
