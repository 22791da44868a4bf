"""What a comparison found becomes a record: its figures, and by what they are found again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stoker.comparing.matching import Match
from stoker.comparing.order import Order
from stoker.comparing.plan import precisions, several
from stoker.comparing.recording import Seen, quantizations_lost, record_of
from stoker.comparing.report import Report
from stoker.comparing.tasks import Task
from stoker.core.comparison import KeptComparison
from stoker.core.estimate import Interval
from stoker.core.model import LocalModel, ModelFacts, ModelRef
from stoker.models.catalogue import starter
from stoker.testing.stub import stub_plan

TASK = Task("2 + 2?", "4", Match.EXACT, "sums")


@pytest.fixture
def order() -> Order:
    return Order(
        precisions(starter(), ["q8_0", "q4_0"]),
        (TASK,),
        "mine.jsonl",
        None,
        tasks_digest="sha256:t",
    )


@pytest.fixture
def named(report: Report) -> Report:
    """The report of conftest, whose third file is called as the order's."""
    report.rows[2].name = "q4_0"
    assert report.verdict is not None
    words = {"q2": "q4_0"}
    report.verdict = replace(
        report.verdict,
        p_values={words.get(name, name): p for name, p in report.verdict.p_values.items()},
        worse=tuple(words.get(name, name) for name in report.verdict.worse),
    )
    return report


def seen(*names: str) -> dict[str, Seen]:
    base = starter().facts
    return {
        name: Seen(replace(base, digest=f"sha256:{name}", file_bytes=100 + at))
        for at, name in enumerate(names)
    }


def recorded(order: Order, report: Report, *names: str) -> KeptComparison:
    record = record_of(order, report, seen(*(names or ("f16", "q8_0", "q4_0"))), "engine 1")
    assert record is not None
    return record


def test_everything_that_was_measured_is_in_the_record(order: Order, named: Report) -> None:
    record = recorded(order, named)
    assert (record.date, record.engine, record.text) == (
        "2030-01-01 00:00 UTC",
        "engine 1",
        "mine.txt",
    )
    assert record.tasks is not None
    assert (record.tasks.name, record.tasks.digest, record.tasks.own) == (
        "mine.jsonl",
        "sha256:t",
        True,
    )
    assert [one.quantization for one in record.models] == ["F16", "Q8_0", "Q4_0"]
    assert [one.made for one in record.models] == [False, True, True]
    assert [one.kin for one in record.models] == [False, True, True]
    assert record.models[2].digest == "sha256:q4_0"
    assert record.models[2].file_bytes == 102
    assert record.least_visible_loss == named.verdict.least_visible_loss  # type: ignore[union-attr]


def test_text_and_tasks_are_held_against_the_reference(order: Order, named: Report) -> None:
    base, fine, coarse = recorded(order, named).models
    assert base.text is not None
    assert base.text.kl_mean_nats is None
    assert coarse.text is not None
    assert (coarse.text.kl_mean_nats, coarse.text.same_top_share) == (0.4, 0.99)
    assert coarse.tasks is not None
    assert (coarse.tasks.right, coarse.tasks.total) == (20, 40)
    assert (coarse.tasks.lost, coarse.tasks.won, coarse.tasks.worse) == (19, 0, True)
    assert coarse.tasks.p_value is not None
    assert coarse.tasks.p_value < 0.05
    assert fine.tasks is not None
    assert (fine.tasks.lost, fine.tasks.won, fine.tasks.worse) == (0, 0, False)


def test_the_best_and_the_smallest_that_is_enough_are_found_by_place(
    order: Order, named: Report
) -> None:
    record = recorded(order, named)
    assert record.best == 1  # of two with as many right answers, the smaller file
    assert record.cheapest == 1
    assert quantizations_lost(record) == ["Q8_0", "Q4_0"]


def test_how_it_ran_is_kept_where_all_of_it_was_measured(order: Order, named: Report) -> None:
    known = seen("f16", "q8_0", "q4_0")
    known["q4_0"] = replace(known["q4_0"], plan=stub_plan())
    record = record_of(order, named, known, "engine 1")
    assert record is not None
    assert record.models[1].run is None
    run = record.models[2].run
    assert run is not None
    assert run.decode_tok_s == Interval(80.0, 88.25, 90.0)
    assert (run.context, run.memory_bytes) == (1024, named.rows[2].memory_peak_bytes)


def test_where_nothing_tells_of_quality_nothing_is_kept(order: Order, named: Report) -> None:
    for row in named.rows:
        row.text, row.tasks = None, None
    assert record_of(order, named, seen("f16", "q8_0", "q4_0"), "e") is None


def test_without_its_reference_a_comparison_is_none(order: Order, named: Report) -> None:
    assert record_of(order, named, seen("q8_0", "q4_0"), "e") is None


def test_one_that_was_cut_short_keeps_what_it_has(order: Order, named: Report) -> None:
    named.verdict = None
    named.rows[2].tasks = None
    record = recorded(order, named)
    assert (record.best, record.cheapest, record.least_visible_loss) == (None, None, None)
    assert record.models[2].tasks is None
    assert record.models[2].text is not None


def test_a_candidate_whose_file_was_never_made_is_left_out(order: Order, named: Report) -> None:
    named.verdict = None
    record = recorded(order, named, "f16", "q4_0")
    assert [one.quantization for one in record.models] == ["F16", "Q4_0"]


def _sized(name: str, facts: ModelFacts) -> LocalModel:
    return LocalModel(ModelRef(name), Path(f"/models/{name}.gguf"), facts)


def test_of_different_models_only_the_same_one_is_a_quantization(named: Report) -> None:
    base = starter().facts
    larger = _sized("shop-f16", base)
    smaller = _sized("shop-q4_k_m", replace(base, quantization="Q4_K", parameters=base.parameters))
    another = _sized("other", replace(base, name="Else", parameters=base.parameters - 1))
    chosen = several([(one.ref.name, one) for one in (larger, smaller, another)])
    order = Order(chosen, (TASK,), "two\nlines.jsonl", None)
    for row, candidate in zip(named.rows, chosen.all, strict=True):
        row.name = candidate.name
    named.verdict = None
    facts = {one.name: Seen(one.model.facts) for one in chosen.all}
    record = record_of(order, named, facts, "e")
    assert record is not None
    kinds = {one.model: (one.quantization, one.kin) for one in record.models}
    assert kinds == {
        "shop-f16": ("F16", False),
        "shop-q4_k_m": ("Q4_K_M", True),
        "other": ("F16", False),
    }
    assert record.tasks is not None
    assert record.tasks.name == "two?lines.jsonl"
    assert quantizations_lost(record) == ["Q4_K_M"]
