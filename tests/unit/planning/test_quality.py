"""A loss is a published range, a measurement of one's own, or unknown; never a guess."""

from __future__ import annotations

import pytest

from stoker.planning.quality import MeasuredLoss, Range, describe_loss, known_loss
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
    own = MeasuredLoss("mine", "Q4_K_M", kl_divergence=0.05, tasks_lost=0.02, tasks=200)
    loss = known_loss("q4_k_m", PUBLISHED, own)
    assert (loss.source, loss.models) == ("measured", ("mine",))
    assert loss.kl_divergence == Range(0.05, 0.05, 1)
    assert loss.same_top_pct is None
    assert "2.0% of 200 tasks" in describe_loss(loss)


def test_a_measurement_of_another_quantization_says_nothing_of_this_one() -> None:
    own = MeasuredLoss("mine", "Q8_0", kl_divergence=0.05)
    assert known_loss("Q4_K_M", PUBLISHED, own).source == "published"


def test_smaller_quantizations_are_told_with_their_figures_and_models() -> None:
    text = describe_loss(known_loss("Q2_K", PUBLISHED))
    for word in ("KL divergence 0.332", "2.42", "71.1 %", "Llama-3-8B", "smaller models lose more"):
        assert word in text


def test_the_form_in_which_a_model_was_published_loses_nothing() -> None:
    assert known_loss("MXFP4", PUBLISHED).source == "unknown"
    assert "nothing is lost" in describe_loss(known_loss("MXFP4", PUBLISHED, native=True))
