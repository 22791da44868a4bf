"""The quantizations above and below a model's own, with bytes that published files confirm."""

from __future__ import annotations

import pytest

from stoker.planning.proposal.quantizations import (
    LADDER,
    is_native,
    near,
    pick,
    quantizations_of,
    requantized,
)
from stoker.planning.proposal.well_known import model_of
from stoker.published.figures import load_losses
from support.planning import ENTRIES

LOSSES = load_losses()


def test_the_neighbours_of_an_8b_model_in_four_bits() -> None:
    facts = model_of(ENTRIES["Llama-3.1-8B"]).facts
    above, below = near(quantizations_of(facts, "Q4_K_M", LOSSES), facts.file_bytes)
    assert above is not None
    assert below is not None
    assert (above.name, below.name) == ("Q5_K_M", "Q3_K_M")
    assert below.weights_bytes < facts.file_bytes < above.weights_bytes


@pytest.mark.parametrize("wanted", ["IQ2_XXS", "Q2_K", "Q3_K_M", "Q5_K_M", "Q8_0", "F16"])
def test_estimated_bytes_agree_with_published_files(wanted: str) -> None:
    facts = model_of(ENTRIES["Llama-3.1-8B"]).facts
    found = {one.name: one.weights_bytes for one in quantizations_of(facts, "Q4_K_M", LOSSES)}
    published = next(
        row.size_gib * 2**30
        for row in LOSSES
        if (row.model, row.quantization) == ("Llama-3.1-8B", wanted) and row.size_gib
    )
    assert found[wanted] == pytest.approx(published, rel=0.01)


def test_files_that_are_listed_are_not_estimated() -> None:
    facts = model_of(ENTRIES["Llama-3.1-8B"]).facts
    listed = {"Q4_K_M": facts.file_bytes, "Q6_K": 6_600_000_000, "Q4_K_S": facts.file_bytes - 9}
    found = quantizations_of(facts, "Q4_K_M", LOSSES, listed)
    assert [(one.name, one.weights_bytes) for one in found] == [("Q6_K", 6_600_000_000)]
    assert found[0].source == "listed at the source"


def test_a_model_that_was_trained_in_four_bits_has_no_others() -> None:
    facts = model_of(ENTRIES["gpt-oss-20b"]).facts
    assert ENTRIES["gpt-oss-20b"].quantization == "MXFP4"
    assert quantizations_of(facts, "MXFP4", LOSSES) == ()
    assert is_native(facts, "MXFP4")


def test_of_another_model_four_bits_are_a_quantization_like_any() -> None:
    facts = model_of(ENTRIES["Llama-3.1-8B"]).facts
    assert not is_native(facts, "MXFP4")
    assert quantizations_of(facts, "MXFP4", LOSSES)


def test_the_ends_of_the_ladder_have_one_neighbour() -> None:
    facts = model_of(ENTRIES["Llama-3.1-8B"]).facts
    all_of_them = quantizations_of(facts, "Q4_K_M", LOSSES)
    assert near(all_of_them, 1)[1] is None
    assert near(all_of_them, 1 << 60)[0] is None
    assert [one.name for one in all_of_them] == [name for name in LADDER if name != "Q4_K_M"]


def test_a_requantized_models_sizes_are_in_proportion() -> None:
    facts = model_of(ENTRIES["Llama-3.1-8B"]).facts
    wanted = next(one for one in quantizations_of(facts, "Q4_K_M", LOSSES) if one.name == "Q8_0")
    other = requantized(facts, wanted)
    ratio = wanted.weights_bytes / facts.file_bytes
    assert other.file_bytes == wanted.weights_bytes
    assert sum(other.layout.layer_bytes) == pytest.approx(
        ratio * sum(facts.layout.layer_bytes), rel=1e-6
    )
    assert other.layers == facts.layers
    assert other.digest is None


LISTED = {"Q8_0": 8000, "Q6_K": 6500, "Q4_K_M": 4900, "Q4_K_S": 4600, "Q2_K": 3100}


@pytest.mark.parametrize(
    ("available", "taken"),
    [(100_000, "Q4_K_M"), (6000, "Q4_K_S"), (5000, "Q2_K"), (100, "Q2_K")],
)
def test_the_usual_quantization_is_taken_or_the_widest_below_it_that_fits(
    available: int, taken: str
) -> None:
    assert pick(LISTED, available) == taken


def test_where_the_usual_one_is_not_there_its_neighbour_is_taken() -> None:
    assert pick({"Q8_0": 8000, "IQ4_XS": 4400}, 100_000) == "IQ4_XS"
    assert pick({"odd": 8000}, 100_000) == "odd"
