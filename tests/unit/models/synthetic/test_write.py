"""Synthetic models in every format: real files, whose weights spread as they should."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from stoker.models.facts import read_facts
from stoker.models.synthetic.blocks import SPREAD, Blocks
from stoker.models.synthetic.write import TINY, write_model

FORMATS = ["F16", "BF16", "Q8_0", "Q5_0", "Q5_1", "Q4_0", "Q4_1", "Q6_K", "Q5_K", "Q4_K", "Q3_K"]
FORMATS += ["Q2_K", "IQ4_NL", "IQ4_XS", "IQ3_S", "IQ3_XXS", "IQ2_S", "IQ2_XS", "IQ2_XXS", "IQ1_S"]
FORMATS += ["MXFP4"]


@pytest.mark.parametrize("kind", FORMATS)
def test_weights_spread_around_zero_in_every_format(kind: str) -> None:
    blocks = Blocks(seed=3)
    plain = gguf.dequantize(blocks.matrix(64, 512, kind), blocks.kind(kind))
    assert np.isfinite(plain).all()
    assert plain.shape == (64, 512)
    assert plain.std() == pytest.approx(SPREAD, rel=0.2)
    assert abs(plain.mean()) < 0.15 * SPREAD


@pytest.mark.parametrize("kind", FORMATS)
def test_a_row_of_zeros_is_read_as_zeros(kind: str) -> None:
    blocks = Blocks(seed=3)
    row = blocks.zeros(512, kind)[None]
    assert not gguf.dequantize(row, blocks.kind(kind)).any()


def test_a_mixture_has_the_formats_it_was_asked_for(tmp_path: Path) -> None:
    def kind_of(name: str) -> str:
        return "Q6_K" if name == "token_embd" else "Q4_K" if "ffn" in name else "Q5_0"

    facts = read_facts(write_model(tmp_path / "m.gguf", TINY, kind_of))
    assert {kind for kind, _ in facts.weight_bytes} == {"Q6_K", "Q4_K", "Q5_0", "F32"}
