"""Where a GGUF file's tensors lie, and what their names and sizes say about the model.

Pure: checks places against each other and against the file, and sums them up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stoker.models.gguf.types import TensorType
from stoker.models.gguf.weight_uses import EXPERTS, Sums, group_of

_LAYER = re.compile(r"blk\.(\d{1,6})\.(.*)", re.DOTALL)
_STATE = ("ssm_", "time_mix_", "shortconv")
_KEYS = ("attn_k.", "attn_kv_", "attn_k_b", "attn_qkv.")
_EMBEDDING, _OUTPUT = "token_embd.weight", "output.weight"
ENGINE_ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class Place:
    """Where one tensor lies, `offset` in bytes from the start of the data."""

    name: str
    type: TensorType
    elements: int
    offset: int

    @property
    def bytes(self) -> int:
        """The size of its data in bytes."""
        return self.elements // self.type.block * self.type.block_bytes


@dataclass(frozen=True, slots=True)
class Tensors:
    """All tensors summed up.

    `weight_bytes` has the bytes of data by type name; `parameters` counts elements,
    `expert_parameters` those of which a token uses only a share. `state_layers` are the layers with
    a recurrent state, `key_layers` those that make attention's keys. `stretch_bytes` is from the
    first tensor's first byte to the last one's last, `padded_bytes` the tensors of each layer (-1
    for those of none), each rounded up as the engine lays them out. `embedding` is the matrix of
    the tokens' vectors; without an output matrix of its own the model uses it at both ends.
    `group_elements` and `group_bytes` are by what tensors are used for and their type (see
    `weight_uses`).
    """

    count: int = 0
    parameters: int = 0
    expert_parameters: int = 0
    weight_bytes: dict[str, int] = field(default_factory=dict)
    state_layers: frozenset[int] = frozenset()
    key_layers: frozenset[int] = frozenset()
    stretch_bytes: int = 0
    padded_bytes: dict[int, int] = field(default_factory=dict)
    embedding: Place | None = None
    has_output: bool = False
    group_elements: Sums = field(default_factory=Sums)
    group_bytes: Sums = field(default_factory=Sums)


def summed(places: Iterable[Place]) -> Tensors:
    """What `places` have together."""
    count = parameters = experts = end = 0
    weight_bytes: Counter[str] = Counter()
    padded: Counter[int] = Counter()
    state, keys = set[int](), set[int]()
    group_elements, group_bytes = Sums(), Sums()
    ends: dict[str, Place] = {}
    for place in places:
        count += 1
        parameters += place.elements
        experts += place.elements if EXPERTS in place.name else 0
        weight_bytes[place.type.name] += place.bytes
        group = group_of(place.name), place.type.name
        group_elements[group] += place.elements
        group_bytes[group] += place.bytes
        padded[_note_layer(place.name, state, keys)] += aligned(place.bytes, ENGINE_ALIGNMENT)
        end = max(end, place.offset + place.bytes)
        if place.name in {_EMBEDDING, _OUTPUT}:
            ends[place.name] = place
    return Tensors(
        count,
        parameters,
        experts,
        dict(weight_bytes),
        frozenset(state),
        frozenset(keys),
        end,
        dict(padded),
        ends.get(_EMBEDDING),
        _OUTPUT in ends,
        group_elements=group_elements,
        group_bytes=group_bytes,
    )


def joined(parts: Sequence[Tensors]) -> Tensors:
    """The sums of all parts of a split model."""
    weight_bytes: Counter[str] = Counter()
    padded: Counter[int] = Counter()
    for part in parts:
        weight_bytes.update(part.weight_bytes)
        padded.update(part.padded_bytes)
    return Tensors(
        sum(part.count for part in parts),
        sum(part.parameters for part in parts),
        sum(part.expert_parameters for part in parts),
        dict(weight_bytes),
        frozenset[int]().union(*(part.state_layers for part in parts)),
        frozenset[int]().union(*(part.key_layers for part in parts)),
        sum(part.stretch_bytes for part in parts),
        dict(padded),
        next((part.embedding for part in parts if part.embedding), None),
        any(part.has_output for part in parts),
        group_elements=sum((part.group_elements for part in parts), Sums()),
        group_bytes=sum((part.group_bytes for part in parts), Sums()),
    )


def repeated(places: Iterable[Place]) -> str:
    """What is wrong with the names, or nothing: each stands there once."""
    name, count = next(iter(Counter(place.name for place in places).most_common(1)), ("", 0))
    return f"has the tensor {name!r} twice" if count > 1 else ""


def misplaced(places: Iterable[Place], alignment: int) -> str:
    """What is wrong with the places, or nothing: tensors lie one after the other, aligned."""
    expected = 0
    for place in sorted(places, key=lambda place: place.offset):
        if place.offset != expected:
            return f"puts tensor {place.name!r} at {place.offset}, expected {expected}"
        expected = aligned(place.offset + place.bytes, alignment)
    return ""


def aligned(offset: int, alignment: int) -> int:
    """`offset` rounded up to a multiple of `alignment`, a power of two."""
    return (offset + alignment - 1) & -alignment


def _note_layer(name: str, state: set[int], keys: set[int]) -> int:
    """The layer that a tensor belongs to, -1 for none; what it makes of the layer is noted."""
    match = _LAYER.fullmatch(name)
    if match is None:
        return -1
    layer, rest = int(match[1]), match[2]
    if rest.startswith(_STATE):
        state.add(layer)
    elif rest.startswith(_KEYS):
        keys.add(layer)
    return layer
