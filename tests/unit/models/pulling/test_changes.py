"""Of two states of a name, what differs is shown."""

from __future__ import annotations

from dataclasses import replace

from stoker.core.model import ModelRef
from stoker.models.catalogue import starter
from stoker.models.pulling.changes import Change, State, facts_document

FACTS = starter().facts
OLD = State(("sha256:a",), 1, "here", facts_document(FACTS))


def test_only_what_differs_is_told_in_a_fixed_order() -> None:
    facts = replace(FACTS, context_length=8, quantization="Q8_0", layers=99)
    change = Change(ModelRef("m"), OLD, State(("sha256:b",), 2, "here", facts_document(facts)))
    assert list(change.differing.items()) == [
        ("quantization", ("F16", "Q8_0")),
        ("context_length", (FACTS.context_length, 8)),
    ]


def test_unknown_facts_differ_in_nothing() -> None:
    assert (
        Change(ModelRef("m"), OLD, State((None,), None, "x", facts_document(None))).differing == {}
    )


def test_facts_are_as_json_gives_them_back() -> None:
    document = facts_document(FACTS)
    assert document["task"] == "generate"
    assert isinstance(document["kv_heads"], list)
