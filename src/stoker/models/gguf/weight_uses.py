"""What a file's tensors are used for, told by their names.

Pure. The engine's own naming decides; a decoder's matrix of the tokens' vectors serves for the
output too where the file has no matrix of its own for it. An encoder needs none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from stoker.core.weights import Use, WeightUse

EXPERTS = "_exps."
_EMBEDDING = "token_embd.weight"
_LOOKUPS = ("token_types.", "position_embd.", "per_layer_token_embd.")

# By group and number format. A group is the name of a `Use`, or `embedding` until the whole file
# is known.
Sums = Counter[tuple[str, str]]


def group_of(name: str) -> str:
    """The group of the tensor `name`."""
    if name == _EMBEDDING:
        return "embedding"
    if name == "output.weight":
        return Use.OUTPUT
    if EXPERTS in name:
        return Use.EXPERT
    return Use.LOOKUP if name.startswith(_LOOKUPS) else Use.BODY


def weight_uses(
    elements: Mapping[tuple[str, str], int],
    size_bytes: Mapping[tuple[str, str], int],
    *,
    encoder: bool = False,
) -> tuple[WeightUse, ...]:
    """The uses of a whole model, the largest first; both maps have the same keys."""
    tied = not encoder and not any(group == Use.OUTPUT for group, _ in elements)
    sums, sizes = Sums(), Sums()
    for (group, kind), count in elements.items():
        use = (Use.OUTPUT if tied else Use.LOOKUP) if group == "embedding" else Use(group)
        sums[use, kind] += count
        sizes[use, kind] += size_bytes[group, kind]
    found = [WeightUse(Use(use), kind, sums[use, kind], sizes[use, kind]) for use, kind in sums]
    return tuple(sorted(found, key=lambda one: (-one.size_bytes, one.use, one.format)))
