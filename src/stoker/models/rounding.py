"""Numbers on their way into a GGUF tensor, and that one which does not fit its type is said.

The arithmetic is the `gguf` library's own, which writes an infinity where a 16-bit float, or the
16-bit scale of a block, is too small. Where numbers come from is for `quantize` and `convert`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType, quants

from stoker.core.errors import UnsupportedModelError
from stoker.models.checkpoint.documents import garbage

_F16_MAX = 65504.0  # whatever is within, every type can hold


def rounded(name: str, values: npt.NDArray[np.float32], kind: GGMLQuantizationType) -> bytes:
    """The bytes of `values`, rows of the tensor `name`, as `kind`.

    Raises:
        UnsupportedModelError: one of them is too large for `kind`.
        ModelFileGarbageError: one of them is not finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        found = quants.quantize(values, kind)
        if not _largest(values) <= _F16_MAX:  # not a number is no less than anything
            _check(name, values, found, kind)
    return found.tobytes()


def _largest(values: npt.NDArray[np.float32]) -> float:
    return float(max(np.max(values, initial=0), -np.min(values, initial=0)))


def _check(
    name: str,
    values: npt.NDArray[np.float32],
    found: npt.NDArray[np.generic],
    kind: GGMLQuantizationType,
) -> None:
    if not np.isfinite(values).all():
        raise garbage(f"{name} has a number that is not finite")
    if not np.isfinite(quants.dequantize(found, kind)).all():
        raise UnsupportedModelError(
            f"{name} has numbers that are too large for {kind.name.lower()}",
            hint="choose bf16, which holds numbers as large as f32 does.",
        )
