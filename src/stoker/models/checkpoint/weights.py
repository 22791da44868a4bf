"""What a checkpoint's tensors come to: parameters, those of experts, and bytes by type.

Pure. Knows how quantized checkpoints pack several numbers into one element, and which tensors only
say how to unpack them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stoker.models.checkpoint.shards import Weights

_EXPERTS = (".experts.", ".experts_")
_HEAD, _EMBEDDING = "lm_head.weight", "embed_tokens.weight"
# Scales, zero points and the like: bytes, but no parameters of the model.
_UNPACKING = (
    ".absmax",
    ".g_idx",
    ".input_scale",
    ".nested_absmax",
    ".nested_quant_map",
    ".quant_map",
    ".qzeros",
    ".scales",
    ".weight_scale",
    ".weight_scale_inv",
    ".weight_zero_point",
    "_scales",
)
_PACKED_BITS = 4
_NO_PARAMETERS = frozenset({"I64", "U64", "BOOL"})  # positions and masks that were saved along


@dataclass(frozen=True, slots=True)
class Counted:
    """All tensors summed up; `type_bytes` has the bytes of data by type name."""

    parameters: int
    expert_parameters: int
    type_bytes: dict[str, int]


def counted(weights: Weights, config: Mapping[str, Any]) -> Counted:
    """What the tensors come to; an output matrix that is the embedding's is counted once."""
    packed = _packed(config)
    tied = config.get("tie_word_embeddings") is True and _has_embedding(weights)
    parameters = experts = 0
    types: Counter[str] = Counter()
    for name, placed in weights.tensors.items():
        if tied and name == _HEAD:
            continue
        types[placed.entry.dtype] += placed.entry.bytes
        numbers = _numbers(name, placed.entry.dtype, placed.entry.elements, packed)
        parameters += numbers
        experts += numbers if any(part in name for part in _EXPERTS) else 0
    return Counted(parameters, experts, dict(types))


def _has_embedding(weights: Weights) -> bool:
    return any(name.endswith(_EMBEDDING) for name in weights.tensors)


def _packed(config: Mapping[str, Any]) -> int:
    """Bits of one number in a checkpoint that packs them, 0 where nothing is packed."""
    said = config.get("quantization_config")
    if not isinstance(said, dict):
        return 0
    bits = said.get("bits", said.get("w_bit"))
    return bits if type(bits) is int and 1 <= bits <= 8 else _PACKED_BITS


def _numbers(name: str, dtype: str, elements: int, packed: int) -> int:
    """How many parameters of the model `elements` elements are."""
    if dtype in _NO_PARAMETERS:
        return 0
    if not packed:
        return elements
    if name.endswith(_UNPACKING):
        return 0
    if dtype == "I32":
        return elements * 32 // packed
    return elements * 8 // packed if dtype == "U8" else elements
