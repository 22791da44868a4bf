"""What is kept of comparisons is found again by digests, and by what headers state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stoker.core.comparison import lineage_of, plain_name
from stoker.models.catalogue import starter
from stoker.testing.stub import stub_plan
from support.compared import SHOP, answers, kept, model


def test_a_quantization_leaves_the_lineage_as_it_is() -> None:
    facts = starter().facts
    smaller = replace(facts, quantization="Q4_0", file_bytes=3, weight_bytes=(("Q4_0", 3),))
    assert lineage_of(smaller) == lineage_of(facts)
    assert lineage_of(facts).is_of(lineage_of(smaller))
    assert lineage_of(facts).name == "stoker starter"


@pytest.mark.parametrize(
    "change", [{"name": "other"}, {"parameters": 7}, {"layers": 1}, {"architecture": "qwen2"}]
)
def test_another_name_or_shape_is_another_model(change: dict[str, object]) -> None:
    facts = starter().facts
    assert not lineage_of(facts).is_of(lineage_of(replace(facts, **change)))


def test_what_has_no_name_is_nobodys_relative() -> None:
    nameless = lineage_of(replace(stub_plan().model.facts, name=""))
    assert not nameless.is_of(nameless)


@pytest.mark.parametrize(
    ("name", "plain"),
    [("Qwen2.5-7B", "qwen2 5 7b"), ("  A__b\n", "a b"), ("", ""), ("\x00-\x1b", "")],
)
def test_names_are_compared_by_their_words(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_the_same_comparison_done_again_replaces_the_older_one() -> None:
    assert kept(date="2027-01-01 00:00 UTC").replaces(kept())
    more = kept(model("F16", "a"), model("Q8_0", "c"), model("Q4_0", "b"))
    assert more.replaces(kept())
    assert not kept().replaces(more)


def test_other_tasks_another_text_or_other_files_replace_nothing() -> None:
    assert not kept(tasks=None).replaces(kept())
    assert not kept(text="other.txt").replaces(kept())
    assert not kept(model("F16", "a"), model("Q4_0", "c")).replaces(kept())


def test_one_that_was_cut_short_replaces_nothing_that_was_whole() -> None:
    short = kept(model("F16", "a", tasks=None), model("Q4_0", "b", tasks=None))
    assert not short.replaces(kept())
    assert kept().replaces(short)


def test_files_of_no_known_digest_are_known_by_name_and_shape() -> None:
    nameless = kept(model("F16", "a", digest=None), model("Q4_0", "b", digest=None))
    assert nameless.replaces(nameless)
    other = model("Q4_0", "b", digest=None, lineage=replace(SHOP, layers=3))
    assert not kept(model("F16", "a", digest=None), other).replaces(nameless)


def test_too_few_tasks_see_no_loss() -> None:
    assert kept().sees_losses
    few = kept(model("F16", "a", tasks=answers(5, 5)), model("Q4_0", "b", tasks=answers(5, 5)))
    assert not few.sees_losses
    assert not kept(least_visible_loss=None).sees_losses


def test_the_day_is_the_date_without_its_time() -> None:
    assert kept().day == "2026-11-26"
    assert kept().reference.quantization == "F16"
    assert answers(150, 200).share == 0.75
