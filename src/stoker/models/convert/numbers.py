"""A tensor's numbers on their way from a safetensors file to a GGUF file, in pieces.

Owns how the bits are read; how they are rounded is `stoker.models.rounding`'s. Files are read, not
mapped: a mapped file that somebody cuts short meanwhile would kill this process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType

from stoker.core.errors import ModelFileTruncatedError
from stoker.models.checkpoint.documents import garbage
from stoker.models.checkpoint.shards import Placed
from stoker.models.rounding import rounded

PIECE_ELEMENTS = 1 << 20
FORMS = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_BF16_EXPONENT = 0x7F80

Floats = npt.NDArray[np.float32]


class Target(Protocol):
    """A tensor to be."""

    @property
    def name(self) -> str:
        """Its name in the GGUF file."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sides, those of numpy: the length of a row last."""
        ...

    def kind(self, wide: str) -> GGMLQuantizationType:
        """The type it gets where matrices get `wide`: f16 or bf16."""
        ...

    def pieces(self, kind: GGMLQuantizationType) -> Iterator[bytes]:
        """Its bytes as `kind`, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """A vector that is made here."""

    name: str
    values: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Its length."""
        return (len(self.values),)

    def kind(self, wide: str) -> GGMLQuantizationType:  # noqa: ARG002 - what all targets take
        """F32, as all vectors."""
        return GGMLQuantizationType.F32

    def pieces(self, kind: GGMLQuantizationType) -> Iterator[bytes]:
        """All of it at once."""
        yield rounded(self.name, np.array(self.values, np.float32), kind)


@dataclass(frozen=True, slots=True)
class Copied:
    """A tensor that lies in a safetensors file.

    `head` is the number of rows of one attention head whose two halves are to be interleaved, 0
    for none. `delicate` tensors keep 32 bits.
    """

    name: str
    path: Path
    placed: Placed
    delicate: bool = False
    head: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sides, the length of a row last."""
        return self.placed.entry.shape

    def kind(self, wide: str) -> GGMLQuantizationType:
        """F32 for vectors and what is delicate, else `wide`."""
        if self.delicate or len(self.shape) < 2:
            return GGMLQuantizationType.F32
        return GGMLQuantizationType[wide.upper()]

    def pieces(self, kind: GGMLQuantizationType) -> Iterator[bytes]:
        """Its bytes as `kind`; at most a few pieces of `PIECE_ELEMENTS` are held at a time.

        Raises:
            ModelFileGarbageError: a number is not finite.
            ModelFileTruncatedError: the file became shorter.
            UnsupportedModelError: a number is too large for `kind`.
        """
        form = np.dtype(FORMS[self.placed.entry.dtype])
        rows, row = self.shape[0], prod(self.shape[1:])
        step = max(1, PIECE_ELEMENTS // row)
        step = max(self.head, step - step % self.head) if self.head else step
        with self.path.open("rb") as file:
            for first in range(0, rows, step):
                size = min(step, rows - first) * row * form.itemsize
                at = self.placed.at + first * row * form.itemsize
                raw = self._read(file.fileno(), size, at)
                yield self._piece(np.frombuffer(raw, form).reshape(-1, row), kind)

    def _read(self, descriptor: int, size: int, at: int) -> bytes:
        raw = os.pread(descriptor, size, at)
        if len(raw) != size:
            raise ModelFileTruncatedError(f"{self.path.name} became shorter while it was read")
        return raw

    def _piece(self, block: npt.NDArray[Any], kind: GGMLQuantizationType) -> bytes:
        if not _all_finite(block):
            raise garbage(f"{self.placed.file}: {self.name} has a number that is not finite")
        if self.head:
            block = interleaved(block, self.head)
        if self.placed.entry.dtype == kind.name:
            return block.tobytes()
        return rounded(self.name, widened(block), kind)


def interleaved(block: npt.NDArray[Any], head: int) -> npt.NDArray[Any]:
    """`block` with the two halves of each `head` rows interleaved: 0, n/2, 1, n/2+1, ...

    Rotary positions turn pairs of rows. Llama's checkpoints pair each row with the one half a head
    further, GGUF's `llama` with its neighbour.
    """
    halves = block.reshape(-1, 2, head // 2, block.shape[1])
    return halves.swapaxes(1, 2).reshape(block.shape)


def widened(block: npt.NDArray[Any]) -> Floats:
    """`block` as 32-bit floats; 16-bit whole numbers are the bits of BF16."""
    if block.dtype.kind == "u":
        return (block.astype(np.uint32) << 16).view(np.float32)
    return block.astype(np.float32)


def _all_finite(block: npt.NDArray[Any]) -> bool:
    if block.dtype.kind == "u":
        return bool(((block & _BF16_EXPONENT) != _BF16_EXPONENT).all())
    return bool(np.isfinite(block).all())
