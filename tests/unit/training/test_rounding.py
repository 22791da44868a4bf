"""The simulated precisions: few values in a block, by the rule of the formats that exist."""

from __future__ import annotations

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray
from training.rounding import BLOCK, SIMULATED, rounded

QTYPE = gguf.GGMLQuantizationType


@pytest.fixture
def matrix() -> NDArray[np.float32]:
    return np.random.default_rng(7).normal(size=(64, 256)).astype(np.float32)


@pytest.mark.parametrize(("bits", "kind"), [(4, QTYPE.Q4_0), (5, QTYPE.Q5_0)])
def test_at_the_width_of_a_real_format_it_is_that_format(
    matrix: NDArray[np.float32], bits: int, kind: QTYPE
) -> None:
    real = gguf.quants.dequantize(gguf.quants.quantize(matrix, kind), kind)
    np.testing.assert_array_equal(rounded(matrix, bits), real)


@pytest.mark.parametrize("bits", SIMULATED.values())
def test_a_block_holds_no_more_values_than_its_bits_can_name(
    matrix: NDArray[np.float32], bits: int
) -> None:
    blocks = rounded(matrix, bits).reshape(-1, BLOCK)
    assert max(len(np.unique(block)) for block in blocks) <= 2**bits


def test_zeros_stay_zeros() -> None:
    zeros = np.zeros((2, BLOCK), dtype=np.float32)
    np.testing.assert_array_equal(rounded(zeros, 2), zeros)
