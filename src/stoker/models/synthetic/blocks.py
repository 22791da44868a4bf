"""Random weights in any of the engine's number formats, for synthetic models.

Formats that the package `gguf` can write are quantized from normal numbers; the others are random
bytes with a scale that brings them to the same spread. An engine takes as long for either as for
real weights: its time does not depend on the values.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

SPREAD = 0.02
_ROWS = 64
# Where a block of a format has its 16-bit scale, and the scale of what is subtracted.
_SCALES: dict[str, tuple[int, ...]] = {
    "Q2_K": (80, 82),
    "Q3_K": (108,),
    "Q4_K": (0, 2),
    "Q5_K": (0, 2),
    "Q6_K": (208,),
    "IQ1_S": (0,),
    "IQ2_XXS": (0,),
    "IQ2_XS": (0,),
    "IQ2_S": (0,),
    "IQ3_XXS": (0,),
    "IQ3_S": (0,),
    "IQ4_NL": (0,),
    "IQ4_XS": (0,),
}


def library(name: str) -> Any:
    """The module `name`.

    Raises:
        RuntimeError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise RuntimeError(f"synthetic models need {name}") from error


class Blocks:
    """Random weights, made once for each format and row length and repeated."""

    def __init__(self, seed: int) -> None:
        self._numpy, self._gguf = library("numpy"), library("gguf")
        self._random = self._numpy.random.default_rng(seed)
        self._made: dict[tuple[str, int], Any] = {}

    def kind(self, name: str) -> Any:
        """The format `name` as the package `gguf` calls it.

        Raises:
            KeyError: there is none.
        """
        return self._gguf.GGMLQuantizationType[name]

    def matrix(self, rows: int, columns: int, name: str) -> Any:
        """`rows` x `columns` weights in the format `name`, drawn from a few rows and mixed."""
        key = (name, columns)
        if key not in self._made:
            make = self._raw if name in _SCALES else self._quantized
            self._made[key] = make(columns, name)
        return self._made[key][self._random.integers(0, _ROWS, rows)]

    def zeros(self, columns: int, name: str) -> Any:
        """One row of zeros in the format: every format reads zero bytes as zeros."""
        return self._numpy.zeros_like(self.matrix(1, columns, name)[0])

    def ones(self, columns: int) -> Any:
        """A vector of ones, as 32-bit floats."""
        return self._numpy.ones(columns, "float32")

    def _quantized(self, columns: int, name: str) -> Any:
        plain = self._random.standard_normal((_ROWS, columns), dtype="float32") * SPREAD
        return self._gguf.quantize(plain, self.kind(name))

    def _raw(self, columns: int, name: str) -> Any:
        """Random bytes, scaled so that the weights spread like the others around zero."""
        block, block_bytes = self._gguf.GGML_QUANT_SIZES[self.kind(name)]
        shape = (_ROWS * columns // block, block_bytes)
        blocks = self._random.integers(0, 256, shape, dtype="uint8")
        offsets = _SCALES[name]
        units = [self._unit(blocks, name, one) for one in offsets]
        weight = -units[0].mean() / units[1].mean() if len(units) > 1 else 0.0
        together = units[0] + weight * units[1] if len(units) > 1 else units[0]
        scale = SPREAD / float(together.std())
        for offset, factor in zip(offsets, (scale, scale * float(weight)), strict=False):
            blocks[:, offset : offset + 2] = self._half(factor)
        return blocks.reshape(_ROWS, columns // block * block_bytes)

    def _unit(self, blocks: Any, name: str, offset: int) -> Any:
        """The weights that `blocks` would be with this scale at 1 and the other at 0."""
        plain = blocks.copy()
        for other in _SCALES[name]:
            plain[:, other : other + 2] = self._half(1.0 if other == offset else 0.0)
        return self._gguf.dequantize(plain, self.kind(name))

    def _half(self, value: float) -> Any:
        return self._numpy.array([value], "<f2").view("uint8")
