"""Simulated low precisions: round to nearest in blocks, at bit widths no file format here offers.

Owns the rounding only. It is the rule of Q4_0 and Q5_0 carried on to fewer bits: blocks of 32 along
the row, one f16 scale for each, no minimum. The values stay in floating point, so a file that holds
them shows the loss of the precision and not its size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 32
SIMULATED = {"3-bit (simulated)": 3, "2-bit (simulated)": 2}


def rounded(matrix: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """The matrix as it would be read back: each block holds at most `2 ** bits` values."""
    half = 2 ** (bits - 1)
    blocks = matrix.reshape(-1, BLOCK)
    widest = np.abs(blocks).argmax(axis=1, keepdims=True)
    scale = np.take_along_axis(blocks, widest, axis=1) / np.float32(-half)
    steps = np.divide(blocks, scale, out=np.zeros_like(blocks), where=scale != 0)
    levels = np.floor(steps + 0.5).clip(-half, half - 1)
    stored = scale.astype(np.float16).astype(np.float32)
    return (levels * stored).reshape(matrix.shape)
