"""A loss is a published range, a measurement of one's own, or unknown; never a guess."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stoker.core.losses import MeasuredLoss, Range
from stoker.planning.quality import describe_loss, known_loss
from stoker.published.figures import load_losses

PUBLISHED = load_losses()


def test_a_published_loss_is_the_range_over_the_models_that_have_it() -> None:
    loss = known_loss("q4_k_m", PUBLISHED)
    assert loss.source == "published"
    assert loss.models == ("Llama-3-8B", "Llama-2-7B")
    assert loss.kl_divergence == Range(0.0127, 0.0313, 3)
    assert loss.ppl_delta == Range(0.151, 0.175, 2)
    assert loss.same_top_pct == Range(91.9, 91.9, 1)


def test_a_figure_that_nobody_published_stays_unknown() -> None:
    loss = known_loss("Q5_K_M", PUBLISHED)
    assert loss.kl_divergence == Range(0.0108, 0.0108, 1)
    assert loss.same_top_pct is None


@pytest.mark.parametrize("quantization", ["Q4_K_S", "IQ3_XXS", "MXFP4", "Q5_1", "nonsense"])
def test_nothing_is_interpolated(quantization: str) -> None:
    loss = known_loss(quantization, PUBLISHED)
    assert loss.source == "unknown"
    assert (loss.kl_divergence, loss.ppl_delta, loss.same_top_pct) == (None, None, None)
    assert "unknown" in describe_loss(loss)


def test_the_published_form_loses_nothing() -> None:
    assert known_loss("bf16", PUBLISHED).source == "none"
    assert "nothing is lost" in describe_loss(known_loss("F16", PUBLISHED))


def test_the_models_own_measurement_replaces_what_others_published() -> None:
    own = MeasuredLoss("mine", "Q4_K_M", kl_divergence=0.05)
    loss = known_loss("q4_k_m", PUBLISHED, [own])
    assert (loss.source, loss.models) == ("measured", ("mine",))
    assert loss.kl_divergence == Range(0.05, 0.05, 1)
    assert loss.same_top_pct is None
    assert loss.measured is own


def test_a_measurement_of_another_quantization_says_nothing_of_this_one() -> None:
    own = MeasuredLoss("mine", "Q8_0", kl_divergence=0.05)
    assert known_loss("Q4_K_M", PUBLISHED, [own]).source == "published"


OWN = MeasuredLoss(
    "shop",
    "Q4_0",
    day="2026-11-26",
    kl_divergence=0.00107,
    ppl_delta=0.0018,
    same_top_pct=99.89,
    tasks=360,
    tasks_right=355,
    reference_right=354,
    worse=False,
    least_visible_loss=7,
)


def described(**more: object) -> str:
    return describe_loss(known_loss("Q4_0", PUBLISHED, [replace(OWN, **more)]))


def test_a_measured_loss_is_told_with_its_day_its_tasks_and_what_it_was_held_against() -> None:
    assert described() == (
        "Q4_0: KL divergence 0.00107, perplexity up by 0.0018, the same likeliest token in 99.9 %, "
        "355 of 360 tasks right (F16: 354), not significantly worse than the best compared, "
        "but a loss of fewer than 7 cannot be seen "
        "(measured here on 2026-11-26, 360 of your tasks, against shop in F16)"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"worse": True}, ", significantly worse than the best"),
        ({"worse": None}, "too few tasks to see a loss"),
        ({"tasks_own": False}, "360 of the starter's own tasks"),
        ({"certain": False}, "on a file that states the same name and size as this one"),
        ({"engine": "xllamacpp 0"}, "by xllamacpp 0, another build than is installed now"),
        ({"ppl_delta": -0.001}, "perplexity down by 0.001"),
        ({"reference_right": None}, "355 of 360 tasks right, "),
    ],
)
def test_what_makes_a_figure_another_ones_is_said(change: dict[str, object], words: str) -> None:
    assert words in described(**change)


def test_without_tasks_nothing_is_said_of_them() -> None:
    assert "tasks" not in described(tasks_right=None, tasks=0, worse=None)


def test_smaller_quantizations_are_told_with_their_figures_and_models() -> None:
    text = describe_loss(known_loss("Q2_K", PUBLISHED))
    for word in ("KL divergence 0.332", "2.42", "71.1 %", "Llama-3-8B", "smaller models lose more"):
        assert word in text


def test_the_form_in_which_a_model_was_published_loses_nothing() -> None:
    assert known_loss("MXFP4", PUBLISHED).source == "unknown"
    assert "nothing is lost" in describe_loss(known_loss("MXFP4", PUBLISHED, native=True))
