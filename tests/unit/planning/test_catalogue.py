"""What models are trusted with rises with their size, and the catalogue has every shape once."""

from __future__ import annotations

import pytest

from stoker.core.needs import Quality
from stoker.planning.catalogue import Entry, build_catalogue, rank, reaches, tier_of
from stoker.published.figures import load_shapes, load_sizes
from stoker.published.judgement import load_judgement

JUDGEMENT = load_judgement()
CATALOGUE = build_catalogue(load_shapes(), load_sizes(), JUDGEMENT)


def entry(name: str) -> Entry:
    return next(one for one in CATALOGUE if one.shape.name == name)


def test_every_shape_is_in_the_catalogue_the_smallest_file_first() -> None:
    sizes = [one.weights_bytes for one in CATALOGUE]
    assert sizes == sorted(sizes)
    assert {one.shape.name for one in CATALOGUE} == {shape.name for shape in load_shapes()}


def test_a_published_size_wins_over_bits_per_weight() -> None:
    assert entry("Llama-3.1-8B").weights_bytes == 4_920_739_232
    assert entry("gpt-oss-20b").quantization == "MXFP4"
    assert "bits per weight" in entry("Mistral-7B").source


def test_a_model_that_was_trained_in_four_bits_is_listed_in_nothing_else() -> None:
    """Experts take four bits and a scale, the rest eight; nobody quantizes it again."""
    large = entry("gpt-oss-120b")
    assert large.quantization == "MXFP4"
    assert large.weights_bytes == pytest.approx(114.66e9 * 4.25 / 8 + 2.17e9 * 8.5 / 8, rel=0.01)


@pytest.mark.parametrize(
    ("model", "tier"),
    [
        ("Qwen2.5-0.5B", None),
        ("Qwen2.5-1.5B", Quality.BASIC),
        ("Qwen3-4B", Quality.BASIC),
        ("Llama-3.1-8B", Quality.GOOD),
        ("Phi-4", Quality.GOOD),
        ("Qwen3-30B-A3B", Quality.GOOD),
        ("Gemma-3-27B", Quality.BETTER),
        ("gpt-oss-120b", Quality.BETTER),
        ("DeepSeek-V3", Quality.BETTER),
    ],
)
def test_trust_goes_by_the_size_of_a_dense_model_of_like_ability(
    model: str, tier: Quality | None
) -> None:
    assert entry(model).tier is tier


def test_no_open_model_is_trusted_with_the_best_there_is() -> None:
    assert tier_of(1e15, JUDGEMENT) is not Quality.FRONTIER


def test_more_parameters_are_never_trusted_with_less() -> None:
    ranks = [rank(tier_of(10.0**power, JUDGEMENT)) for power in range(6, 14)]
    assert ranks == sorted(ranks)


def test_quality_is_reached_by_itself_and_what_is_better() -> None:
    assert reaches(Quality.GOOD, Quality.GOOD)
    assert reaches(Quality.BETTER, Quality.BASIC)
    assert not reaches(None, Quality.BASIC)
