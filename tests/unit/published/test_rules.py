"""The rules that are shipped are whole, in their order, and cannot be written wrongly unnoticed."""

from __future__ import annotations

from typing import Any

import pytest

from stoker.core.advice import Answer
from stoker.published.rules import load_rules, to_rules

RULE = {"name": "r", "when": ["data is machine"], "say": "so", "prefer": "local"}
FORBID = {"name": "f", "when": ["data is machine"], "say": "so", "forbid": ["api"], "relax": "data"}


def book(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"rule": list(rules), "watch": [], "boundary": []}


def test_privacy_and_offline_come_first() -> None:
    names = [rule.name for rule in load_rules().rules]
    assert names[:4] == [
        "data-stays-on-this-machine",
        "data-stays-in-the-network",
        "works-offline",
        "some-data-stays",
    ]


def test_what_forbids_comes_before_what_prefers() -> None:
    prefers = [rule.prefer is not None for rule in load_rules().rules]
    assert prefers == sorted(prefers)
    with pytest.raises(ValueError, match="forbids after"):
        to_rules(book(RULE, FORBID))


def test_the_boundary_names_both_sides() -> None:
    text = " ".join(load_rules().boundary)
    assert "{local_model}" in text
    assert "{api_model}" in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"prefer": "cloud"},
        {"forbid": ["api"], "relax": "data"},
        {"prefer": None},
        {"when": []},
        {"when": ["data is mars"]},
        {"say": "costs {weather}"},
        {"say": "costs {api_usd_month:.2f}"},
        {"prefre": "local"},
    ],
)
def test_a_rule_that_is_not_whole_is_refused(wrong: dict[str, Any]) -> None:
    entry = {name: value for name, value in (RULE | wrong).items() if value is not None}
    with pytest.raises(ValueError, match=r"\w"):
        to_rules(book(entry))


@pytest.mark.parametrize("relax", ["", "weather"])
def test_what_forbids_names_what_could_give_way(relax: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        to_rules(book(FORBID | {"relax": relax}))


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="one name"):
        to_rules(book(RULE, RULE))


def test_a_rule_reads_as_it_stands() -> None:
    (rule,) = to_rules(book(FORBID)).rules
    assert (rule.forbid, rule.relax, str(rule.when[0])) == (
        (Answer.API,),
        "data",
        "data is machine",
    )
