"""Needs are checked at the door: unknown names and wrong values are refused with a hint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stoker.core.costs import ApiPrice
from stoker.core.errors import InvalidRequestError
from stoker.core.needs import DataPlace, Needs, Operations, Quality, Stage
from stoker.library.judging.constraints import known_names, read_constraints, read_document


def test_nothing_stated_is_the_default() -> None:
    assert read_constraints({}).to_needs() == Needs()


def test_everything_can_be_stated() -> None:
    stated = {
        "data": "mixed",
        "offline": True,
        "quality": "better",
        "stage": "prototype",
        "operations": "strong",
        "ttft_s_max": 2,
        "tok_s_min": 10.5,
        "requests_per_day": 2000,
        "prompt_tokens": 1500,
        "answer_tokens": 300,
        "concurrency": 4,
        "context": 8192,
        "budget_usd_month": 300,
        "local_share": 0.25,
        "right_share_least": 0.95,
    }
    needs = read_constraints(stated).to_needs()
    assert needs == Needs(
        **stated
        | {
            "data": DataPlace.MIXED,
            "quality": Quality.BETTER,
            "stage": Stage.PROTOTYPE,
            "operations": Operations.STRONG,
        }
    )
    assert stated.keys() == Needs.__dataclass_fields__.keys()


@pytest.mark.parametrize(
    ("document", "message", "hint"),
    [
        ({"qualty": "good"}, "qualty is not a need", "did you mean quality?"),
        ({"costs": {"wats_idle": 3}}, "costs.wats_idle", "did you mean watts_idle?"),
        ({"watts_idle": 3}, "watts_idle is not", "did you mean watts_idle in the table [costs]?"),
        ({"qqq": 1}, "qqq is not a need", "lists the names"),
        ({"quality": "best"}, "quality: Input should be 'basic'", "what each need takes"),
        ({"offline": "yes"}, "offline", "what each need takes"),
        ({"requests_per_day": -1}, "requests_per_day", "what each need takes"),
        ({"requests_per_day": float("inf")}, "requests_per_day", "what each need takes"),
        ({"prompt_tokens": 1.5}, "prompt_tokens", "what each need takes"),
        ({"concurrency": 0}, "concurrency", "what each need takes"),
        ({"costs": 3}, "costs: it must be a table", "what each need takes"),
        ({"costs": {"watts_idle": 9, "watts_load": 5}}, "watts_load is below", "what each"),
        ({"data": "mixed", "local_share": 1.5}, "local_share", "what each need takes"),
        ({"data": "anywhere", "local_share": 0.5}, "local_share is of mixed data", "what each"),
        ({"local_share": 0.5}, "local_share is of mixed data", "what each need takes"),
        ({"api": {"input_usd_mtok": 1}}, "api: prices need a model", "what each need takes"),
        ({"api": {"priced_on": "today"}}, "api.priced_on", "what each need takes"),
        ({"tasks": "a\0b"}, "tasks", "what each need takes"),
        ({"bad\x1b[31m": 1}, "bad?[31m is not a need", "lists the names"),
    ],
)
def test_what_is_wrong_is_said_with_a_hint(
    document: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_constraints(document)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_price_of_ones_own_is_taken_as_given() -> None:
    stated = {
        "model": "us/ours",
        "input_usd_mtok": 1,
        "output_usd_mtok": 2,
        "priced_on": "2026-11-26",
    }
    api = read_constraints({"api": stated}).api
    assert api.price() == ApiPrice("us/ours", 1, 2, None, "2026-11-26", "given")
    assert read_constraints({"api": {"model": "us/ours"}}).api.price() is None


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "needs.toml"
    path.write_text('data = "machine"\n[costs]\nwatts_idle = 40\n')
    assert read_document(path) == {"data": "machine", "costs": {"watts_idle": 40}}


@pytest.mark.parametrize("content", [b"data =", b"\xff\xfe", b"[" * 5000, b"# " + b"x" * 70_000])
def test_a_file_that_is_no_needs_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "needs.toml"
    path.write_bytes(content)
    with pytest.raises(InvalidRequestError, match=r"TOML|64 KiB"):
        read_document(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        read_document(tmp_path / "nothing.toml")


def test_the_names_of_each_table_are_known() -> None:
    assert "quality" in known_names()
    assert "usd_per_kwh" in known_names("costs")
    assert known_names("nothing") == ()


def test_what_nobody_stated_is_known_although_it_has_a_value() -> None:
    constraints = read_constraints({"stage": "production", "quality": "good"})
    assert {"data", "concurrency"} <= constraints.unstated
    assert not {"stage", "quality"} & constraints.unstated
    assert constraints.to_needs().data is None
