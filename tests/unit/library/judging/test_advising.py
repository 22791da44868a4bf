"""`suggest_runtime` gives the same advice whatever form the needs have."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import stoker
from stoker.core.advice import Advice, Answer
from stoker.core.comparison import TasksUsed
from stoker.core.errors import FileMissingError, InvalidRequestError
from stoker.core.machine import Machine
from stoker.core.needs import DataPlace, Needs, Operations
from stoker.library.judging.advising import suggest_runtime
from stoker.models.storing.store import hash_file
from stoker.state.comparisons import keep_comparison
from stoker.state.home import Home
from stoker.testing.machines import MACHINES
from support.compared import RUN, answers, kept, model

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


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of tasks, and a home in which a small model has nearly all of them right."""
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))
    path = tmp_path / "mine.jsonl"
    path.write_text('{"prompt": "2 + 2?", "expected": "4"}\n')
    used = TasksUsed("mine.jsonl", hash_file(path), own=True)
    small = model("Q4_0", "b", tasks=answers(196))
    comparison = kept(model("F16", "a", tasks=answers(198)), small, tasks=used)
    keep_comparison(Home.find().prepare().comparisons, comparison)
    return path


def test_what_was_compared_on_the_same_tasks_counts(tasks: Path) -> None:
    advice = suggest_runtime(tasks=str(tasks), machine=LAPTOP)
    assert (advice.answer, advice.decided_by) == (Answer.LOCAL, "small-model-is-enough")
    assert advice.local is not None
    assert (advice.local.name, advice.local.quantization) == ("shop", "Q4_0")
    assert advice.local.own is not None
    assert (advice.local.own.right, advice.local.own.total) == (196, 200)
    more = suggest_runtime(tasks=str(tasks), right_share_least=0.99, machine=LAPTOP)
    assert more.decided_by != "small-model-is-enough"


def test_how_fast_it_was_here_says_nothing_of_another_machine(tasks: Path) -> None:
    elsewhere = suggest_runtime(tasks=str(tasks), machine=LAPTOP)
    assert elsewhere.local is not None
    assert elsewhere.local.stream_tok_s is None
    here = suggest_runtime(tasks=str(tasks))
    assert [one.stream_tok_s for one in here.options if one.own] == [RUN.decode_tok_s] * 2


def test_where_the_tasks_have_changed_the_command_that_would_tell_is_named(tasks: Path) -> None:
    tasks.write_text(tasks.read_text() * 2)
    advice = suggest_runtime(tasks=str(tasks), data="machine", machine=LAPTOP)
    assert any(f"`stoker compare MODEL... --tasks {tasks}`" in line for line in advice.watch)


def test_tasks_that_are_not_there_are_an_error(tasks: Path) -> None:
    with pytest.raises(FileMissingError):
        suggest_runtime(tasks=str(tasks.with_name("none.jsonl")), machine=LAPTOP)


def test_watts_that_nobody_gave_are_assumed_and_marked() -> None:
    stated = {"requests_per_day": 5000, "costs": {"usd_per_kwh": 0.3}}
    assumed = suggest_runtime(stated, machine=MACHINES["gaming"])
    assert any("450 W under load" in line for line in assumed.assumed)
    given = {"usd_per_kwh": 0.3, "watts_idle": 40, "watts_load": 200}
    told = suggest_runtime(stated | {"costs": given}, machine=MACHINES["gaming"])
    assert not any(" W " in line for line in told.assumed)


OPEN = {"requests_per_day": 50, "quality": "basic"}


def test_where_data_may_go_is_never_assumed_in_silence() -> None:
    advice = suggest_runtime(OPEN, machine=LAPTOP)
    assert (advice.answer, advice.if_data_stays) == (Answer.API, Answer.LOCAL)
    assert advice.assumed[0] == "data may go anywhere"
    assert "Nobody said where data may go" in advice.data_note
    assert advice.data_note.endswith("If it had to stay on this machine: local.")
    assert suggest_runtime(Needs(requests_per_day=50), machine=LAPTOP).data_note


@pytest.mark.parametrize("stated", [{"data": place} for place in DataPlace] + [{"offline": True}])
def test_where_somebody_said_it_nothing_is_assumed(stated: dict[str, object]) -> None:
    advice = suggest_runtime(OPEN | stated, machine=LAPTOP)
    assert (advice.data_note, advice.if_data_stays) == ("", None)
    assert "data may go anywhere" not in advice.assumed


def test_what_could_not_be_met_if_data_had_to_stay_is_said() -> None:
    advice = suggest_runtime(quality="frontier", machine=LAPTOP)
    assert (advice.answer, advice.if_data_stays) == (Answer.API, Answer.CONTRADICTION)
    assert "would contradict each other" in advice.data_note


def test_a_stage_and_a_concurrency_that_nobody_stated_are_named() -> None:
    assumed = suggest_runtime(machine=LAPTOP).assumed
    assert {"a project in production", "one answer at a time"} <= set(assumed)
    stated = suggest_runtime(stage="production", concurrency=1, machine=LAPTOP).assumed
    assert not {"a project in production", "one answer at a time"} & set(stated)


def test_an_endpoint_that_nobody_judged_is_not_taken_to_be_the_best() -> None:
    name = "groq/llama-3.1-8b-instant"
    advice = suggest_runtime(api={"model": name}, quality="frontier", machine=LAPTOP)
    assert advice.answer is Answer.API
    assert advice.api is not None
    assert advice.api.tier is None
    assert f"frontier answers from {name}, which nobody judged" in advice.assumed
    assert any(f"Nobody judged {name}" in line for line in advice.watch)
    judged = suggest_runtime(api={"model": "openai/gpt-6-astra"}, quality="good", machine=LAPTOP)
    assert not any("nobody judged" in line for line in judged.assumed)


def test_an_endpoint_that_was_judged_too_weak_is_refused() -> None:
    advice = suggest_runtime(api={"model": "openai/gpt-6-luna"}, quality="frontier", machine=LAPTOP)
    assert advice.answer is Answer.CONTRADICTION


@pytest.mark.parametrize(
    ("given", "assumed"),
    [
        ({"watts_load": 900}, "60 W idle"),
        ({"watts_idle": 100}, "490 W under load"),
        ({"watts_load": 40}, "40 W idle"),
        ({}, "60 W idle and 450 W under load"),
    ],
)
def test_only_the_watts_that_nobody_gave_are_assumed(given: dict[str, float], assumed: str) -> None:
    stated = {"requests_per_day": 5000, "costs": {"usd_per_kwh": 0.3, **given}}
    advice = suggest_runtime(stated, machine=MACHINES["gaming"])
    assert [one for one in advice.assumed if " W " in one] == [assumed]


def test_a_load_that_was_given_counts() -> None:
    def dearest(**watts: float) -> float:
        costs = {"usd_per_kwh": 0.3, "purchase_usd": 0, "usd_per_person_hour": 0, **watts}
        stated = {"requests_per_day": 5000, "costs": costs}
        cost = suggest_runtime(stated, machine=MACHINES["gaming"]).local_cost
        assert cost is not None
        return cost.known.p50

    assert dearest(watts_load=900) > dearest() > dearest(watts_load=200)


def test_gpus_that_are_here_and_not_used_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    box = MACHINES["gaming"]

    def known(*_: object, **__: object) -> tuple[Machine, tuple[str, ...]]:
        return dataclasses.replace(box, unread=("GPU 1: lost",)), ()

    monkeypatch.setattr("stoker.library.judging.surroundings.known_machine", known)
    advice = suggest_runtime(data="machine", quality="better", tok_s_min=30)
    elsewhere = suggest_runtime(data="machine", quality="better", tok_s_min=30, machine=box)
    assert (advice.answer, elsewhere.answer) == (Answer.CONTRADICTION, Answer.LOCAL)
    assert [one.say for one in advice.changes if one.need == "gpu"] == [
        f"If the engine computed on {box.gpus[0].name}: local."
    ]
    slow = suggest_runtime(data="machine")
    assert all(option.device == "cpu" for option in slow.options)
    assert any(box.gpus[0].name in line for line in slow.watch)
    assert "a GPU (GPU 1: lost)" in slow.missing
