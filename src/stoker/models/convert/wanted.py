"""Which tensors a model needs: each must be there with its shape, and nothing else may be.

Checked before a byte is written, so that a folder which cannot become a model is refused by the
name of what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stoker.core.errors import UnsupportedModelError
from stoker.models.checkpoint.documents import Folder, garbage
from stoker.models.checkpoint.shards import Weights
from stoker.models.convert.numbers import FORMS, Copied, Target


@dataclass(frozen=True, slots=True)
class Wanted:
    """A tensor by its name in the checkpoint and in GGUF; `head` and `delicate` as `Copied`'s."""

    source: str
    name: str
    shape: tuple[int, ...]
    delicate: bool = False
    head: int = 0


def matched(
    folder: Folder, weights: Weights, wanted: Sequence[Wanted], dropped: Callable[[str], bool]
) -> list[Target]:
    """A target for each tensor of `wanted`; those that are `dropped` may be there too.

    Raises:
        ModelFileGarbageError: one is missing or has another shape.
        UnsupportedModelError: one is of numbers that are not plain floats, or has no place.
    """
    by_source = {one.source: one for one in wanted}
    for name in weights.tensors:
        if name not in by_source and not dropped(name):
            raise UnsupportedModelError(f"The tensor {name!r} has no place in this architecture")
    return [_target(folder, weights, one) for one in wanted]


def _target(folder: Folder, weights: Weights, wanted: Wanted) -> Target:
    placed = weights.tensors.get(wanted.source)
    if placed is None:
        raise garbage(f"The checkpoint lacks the tensor {wanted.source!r}")
    entry = placed.entry
    if entry.dtype not in FORMS:
        raise UnsupportedModelError(
            f"The tensor {wanted.source!r} is {entry.dtype}, which is not a plain float",
            hint="take the checkpoint as it was before it was quantized: F32, F16 or BF16.",
        )
    if entry.shape != wanted.shape:
        raise garbage(
            f"The tensor {wanted.source!r} is {_sides(entry.shape)}; config.json makes it"
            f" {_sides(wanted.shape)}"
        )
    path = folder.file(placed.file) or Path(folder.path, placed.file)
    return Copied(wanted.name, path, placed, delicate=wanted.delicate, head=wanted.head)


def _sides(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "one number"
