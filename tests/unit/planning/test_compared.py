"""Which measured losses are about a model: the very file's first, then the newest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.losses import MeasuredLoss
from stoker.core.model import ModelFacts
from stoker.planning.compared import measured_losses
from stoker.testing.stub import stub_plan
from support.compared import ENGINE, SHOP, TASKS, answers, digest, kept, model

KEPT = kept()


def facts(letter: str | None, name: str = "Shop") -> ModelFacts:
    return replace(
        stub_plan().model.facts,
        name=name,
        architecture=SHOP.architecture,
        parameters=SHOP.parameters,
        layers=SHOP.layers,
        embedding_length=SHOP.embedding_length,
        vocabulary=SHOP.vocabulary,
        digest=digest(letter) if letter else None,
    )


def one(letter: str | None, quantization: str = "F16", **more: object) -> MeasuredLoss:
    (found,) = measured_losses([kept(**more)], facts(letter), quantization, ENGINE)
    return found


def test_the_reference_knows_what_its_quantizations_lost() -> None:
    found = one("a")
    assert (found.quantization, found.against, found.model) == ("Q4_0", "F16", "shop")
    assert (found.kl_divergence, found.same_top_pct) == (0.02, 97.0)
    assert found.ppl_delta == pytest.approx(0.5)
    assert (found.tasks_right, found.reference_right, found.tasks) == (190, 194, 200)
    assert (found.tasks_lost, found.tasks_won, found.worse, found.cheapest) == (6, 2, False, True)
    assert (found.day, found.tasks_name, found.certain, found.engine) == (
        "2026-11-26",
        "mine.jsonl",
        True,
        "",
    )


def test_a_smaller_file_knows_its_own_loss_by_its_digest() -> None:
    assert one("b", "Q4_0").certain


def test_another_file_of_the_same_name_and_shape_is_told_from_the_very_one() -> None:
    assert not one("c", "Q4_0").certain
    assert not one(None, "Q4_0").certain
    assert not one(None).certain


def test_another_model_learns_nothing() -> None:
    assert measured_losses([KEPT], facts("c", "Else"), "Q4_0", ENGINE) == ()
    assert measured_losses([KEPT], facts(None, ""), "Q4_0", ENGINE) == ()
    wider = replace(facts("c"), layers=40)
    assert measured_losses([KEPT], wider, "Q4_0", ENGINE) == ()


def test_a_model_without_a_name_is_known_by_its_digest_alone() -> None:
    nameless = replace(SHOP, name="")
    both = [kept(model("F16", "a", lineage=nameless), model("Q4_0", "b", lineage=nameless))]
    assert measured_losses(both, facts("a", ""), "F16", ENGINE)
    assert measured_losses(both, facts(None, ""), "F16", ENGINE) == ()


def test_a_different_model_in_the_same_comparison_is_no_quantization() -> None:
    both = kept(model("F16", "a"), model("Q4_0", "b", kin=False, made=False))
    assert measured_losses([both], facts("a"), "F16", ENGINE) == ()
    assert measured_losses([both], facts("b"), "Q4_0", ENGINE) == ()


def test_the_very_files_figures_come_first_and_then_the_newest() -> None:
    old = kept(date="2026-01-01 00:00 UTC")
    new = kept(date="2026-12-01 00:00 UTC")
    elsewhere = kept(model("F16", "d"), model("Q4_0", "e"), date="2027-01-01 00:00 UTC")
    days = [loss.day for loss in measured_losses([old, new], facts("a"), "F16", ENGINE)]
    assert days == ["2026-12-01"]
    (found,) = measured_losses([old, new, elsewhere], facts("a"), "F16", ENGINE)
    assert (found.day, found.certain) == ("2026-12-01", True)
    (found,) = measured_losses([old, elsewhere], facts(None), "F16", ENGINE)
    assert (found.day, found.certain) == ("2027-01-01", False)


def test_the_users_own_tasks_come_before_those_that_are_shipped() -> None:
    shipped = kept(tasks=replace(TASKS, own=False), date="2027-01-01 00:00 UTC")
    (found,) = measured_losses([KEPT, shipped], facts("a"), "F16", ENGINE)
    assert found.tasks_own
    (found,) = measured_losses([shipped], facts("a"), "F16", ENGINE)
    assert not found.tasks_own


def test_each_quantization_has_one_entry_from_whichever_comparison_told_it() -> None:
    first = kept(model("F16", "a"), model("Q8_0", "c"))
    found = measured_losses([first, KEPT], facts("a"), "F16", ENGINE)
    assert [loss.quantization for loss in found] == ["Q4_0", "Q8_0"]


@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=6), st.sampled_from("abc"))
def test_whatever_was_compared_each_quantization_is_told_once_and_for_sure_where_it_can_be(
    letters: list[str], own: str
) -> None:
    comparisons = [
        kept(model("F16", letter), model("Q4_0", "z"), model("Q8_0", "y")) for letter in letters
    ]
    found = measured_losses(comparisons, facts(own), "F16", ENGINE)
    assert sorted(loss.quantization for loss in found) == ["Q4_0", "Q8_0"]
    assert {loss.certain for loss in found} == {own in letters}


def test_figures_of_another_build_are_kept_and_named() -> None:
    assert one("a", engine="xllamacpp 0").engine == "xllamacpp 0"


def test_what_was_not_measured_is_left_out() -> None:
    bare = kept(model("F16", "a"), model("Q4_0", "b", text=None, tasks=None))
    assert measured_losses([bare], facts("a"), "F16", ENGINE) == ()
    (found,) = measured_losses(
        [kept(model("F16", "a"), model("Q4_0", "b", text=None))], facts("a"), "F16", ENGINE
    )
    assert (found.kl_divergence, found.ppl_delta, found.tasks_right) == (None, None, 190)
    (found,) = measured_losses(
        [kept(model("F16", "a", tasks=None), model("Q4_0", "b", tasks=None))],
        facts("a"),
        "F16",
        ENGINE,
    )
    assert (found.tasks_right, found.tasks, found.tasks_name, found.worse) == (None, 0, "", None)


def test_too_few_tasks_give_no_verdict() -> None:
    few = answers(6, 6)
    found = measured_losses(
        [kept(model("F16", "a", tasks=few), model("Q4_0", "b", tasks=few), least_visible_loss=7)],
        facts("a"),
        "F16",
        ENGINE,
    )[0]
    assert (found.worse, found.cheapest, found.tasks_right) == (None, False, 6)
