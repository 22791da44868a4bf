"""What is asked for is checked before anything begins, and the end says what it means."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stoker.comparing.matching import Match
from stoker.comparing.order import Order, begin, conclude
from stoker.comparing.plan import precisions, several
from stoker.comparing.report import Report
from stoker.comparing.tasks import Task
from stoker.core.errors import InvalidRequestError
from stoker.core.machine import Machine
from stoker.core.model import LocalModel, ModelRef
from stoker.core.units import GIB, MIB
from stoker.models.catalogue import starter

MACHINE = Machine(cores=2, memory_total_bytes=8 * GIB, memory_available_bytes=4 * GIB)
TASK = Task("2 + 2?", "4", Match.EXACT, "sums")


def order(**more: object) -> Order:
    known = {"candidates": precisions(starter(), ["q4_0"]), "tasks": (TASK,), "text": None}
    return Order(**{**known, "tasks_source": "mine.jsonl", **more})  # type: ignore[arg-type]


def started(asked: Order, machine: Machine = MACHINE) -> Report:
    return begin(asked, machine, predicted_by="weights", stoker="0", date="now")


def sized(name: str, file_bytes: int, parameters: int) -> LocalModel:
    facts = replace(starter().facts, file_bytes=file_bytes, parameters=parameters)
    return LocalModel(ModelRef(name), Path(f"/{name}.gguf"), facts)


def test_a_report_begins_with_every_candidate_and_nothing_measured() -> None:
    report = started(order())
    assert [(row.name, row.quantization, row.tasks) for row in report.rows] == [
        ("f16", "F16", None),
        ("q4_0", "Q4_0", None),
    ]
    assert report.partial
    assert report.base_row is report.rows[0]


def test_all_candidates_get_the_threads_that_the_base_gets() -> None:
    large, small = sized("large", 200 * MIB, 9), sized("small", 2 * MIB, 1)
    both = order(candidates=several([("large", large), ("small", small)]))
    assert started(both).settings.threads == 2
    assert started(order()).settings.threads == 1
    assert started(order(threads=7)).settings.threads == 7


def test_a_number_that_a_model_cannot_have_is_refused_at_once() -> None:
    with pytest.raises(InvalidRequestError, match="trained for a context of 1024"):
        started(order(context=2048))
    with pytest.raises(InvalidRequestError, match="slots is 0"):
        started(order(slots=0))


def test_a_base_that_does_not_fit_is_no_reason_to_refuse_the_others() -> None:
    report = started(order(), replace(MACHINE, memory_available_bytes=1))
    assert [row.name for row in report.rows] == ["f16", "q4_0"]


def test_shrinking_what_was_shrunk_is_said() -> None:
    model = starter()
    coarse = replace(model, facts=replace(model.facts, quantization="Q8_0"))
    report = started(order(candidates=precisions(coarse, ["q4_0"])))
    assert "starter is q8_0 already" in report.notes[0]


def test_the_context_for_the_tasks_is_what_they_need_and_no_more() -> None:
    assert order().tasks_context(4096) == 512  # 6 bytes, 9 tokens, the template; in 256s
    assert order().tasks_context(300) == 300
    assert order(context=1000).tasks_context(4096) == 1000
    long = replace(TASK, asked=({"role": "user", "content": "a" * 2000},))
    assert order(tasks=(TASK, long)).tasks_context(4096) == 2304
    assert order(tokens_max=1000).tasks_context(4096) == 1280


def test_only_who_answered_all_tasks_is_judged(report: Report) -> None:
    report.rows[1].tasks = None
    conclude(report)
    assert report.verdict is not None
    assert set(report.verdict.p_values) | {report.verdict.best} == {"f16", "q2"}


def test_one_candidate_alone_is_not_judged(report: Report) -> None:
    report.rows[1].tasks = report.rows[2].tasks = None
    conclude(report)
    assert report.verdict is None


def test_what_could_not_be_compared_is_named(report: Report) -> None:
    text = report.rows[2].text
    assert text is not None
    report.rows[2].text = replace(text, divergence=None)
    conclude(report)
    assert report.notes == [
        "q2: another vocabulary than f16, so no divergence from it; bits per byte can be compared."
    ]


def test_without_the_bases_text_nobody_is_blamed(report: Report) -> None:
    for row in report.rows:
        assert row.text is not None
        row.text = replace(row.text, divergence=None)
    report.rows[0].text = None
    conclude(report)
    assert report.notes == []
