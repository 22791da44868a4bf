"""How positions are turned."""

from __future__ import annotations

import math
from typing import Any

import pytest

from stoker.core.errors import ModelFileGarbageError
from stoker.models.checkpoint.config import Config
from stoker.models.convert.rope import BASE, Rope, llama3_factors, read_rope

LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def rope(**document: Any) -> Rope:
    document = {"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 4096} | document
    return read_rope(Config(document), 128, takes_factors=True)


def test_the_base_has_a_default_and_two_places() -> None:
    assert rope() == Rope(BASE)
    assert rope(rope_theta=5e5) == Rope(5e5)
    assert rope(rope_parameters={"rope_type": "default", "rope_theta": 1e6}) == Rope(1e6)
    assert rope(rope_scaling=None, rope_theta=5e5) == Rope(5e5)


def test_both_names_of_the_kind_are_known() -> None:
    linear = {"factor": 2}
    assert rope(rope_scaling=linear | {"type": "linear"}) == Rope(BASE, "linear", 2.0)
    assert rope(rope_scaling=linear | {"rope_type": "linear"}) == Rope(BASE, "linear", 2.0)


def test_yarn_counts_from_the_context_that_was_trained() -> None:
    said = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
    assert rope(rope_scaling=said) == Rope(BASE, "yarn", 4.0, 32768)
    assert rope(rope_scaling={"type": "yarn", "factor": 4.0}).original_context == 4096


def test_words_that_say_what_the_engine_does_anyway_are_no_hindrance() -> None:
    said = {"type": "yarn", "factor": 4.0, "beta_fast": 32, "beta_slow": 1.0, "mscale": None}
    said |= {"attention_factor": 0.1 * math.log(4) + 1}
    assert rope(rope_scaling=said).kind == "yarn"


def test_short_waves_stay_long_ones_are_stretched_and_between_them_it_grows() -> None:
    factors = llama3_factors(LLAMA3, 500_000.0, 128)
    assert len(factors) == 64
    assert (factors[0], factors[-1]) == (1.0, 8.0)
    assert list(factors) == sorted(factors)
    assert any(1 < factor < 8 for factor in factors)


@pytest.mark.parametrize("lost", ["factor", "low_freq_factor", "original_max_position_embeddings"])
def test_a_number_that_is_missing_is_named(lost: str) -> None:
    with pytest.raises(ModelFileGarbageError, match=lost):
        rope(rope_scaling={key: value for key, value in LLAMA3.items() if key != lost})


def test_factors_in_the_wrong_order_are_garbage() -> None:
    with pytest.raises(ModelFileGarbageError):
        rope(rope_scaling=LLAMA3 | {"low_freq_factor": 4.0})
