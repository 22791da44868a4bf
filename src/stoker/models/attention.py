"""Which kind of attention each layer has, as the engine keeps its cache for it.

Pure. Knows the architectures whose pattern of windowed layers is in the engine's code and not in
the file; where the numbers come from is for `facts` and `config`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stoker.core.model import AttentionKind

LAYERS_MAX = 4096

# Of every so many layers one looks back over everything: the last, or the first of them.
_PATTERNS_LAST = {
    "afmoe": 4,
    "cohere2": 4,
    "exaone4": 4,
    "gemma2": 2,
    "gemma3": 6,
    "gemma3n": 5,
    "gemma-embedding": 6,
    "gpt-oss": 2,
    "llama4": 4,
    "olmo2": 4,
}
_PATTERNS_FIRST = {"modern-bert": 3, "smallthinker": 4}
# The one family whose files do not state their window.
_WINDOWS = {"llama4": 8192}


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides the kinds. Tuples have one entry for each layer."""

    heads: tuple[int, ...]
    kv_heads: tuple[int, ...]
    windowed: tuple[bool, ...]
    latent: bool
    state_layers: frozenset[int]
    key_layers: frozenset[int]


def kinds(shape: Shape) -> tuple[AttentionKind, ...]:
    """The kind of each layer; one with both a state and keys counts by its keys, which grow."""
    return tuple(_kind(shape, layer) for layer in range(len(shape.heads)))


def _kind(shape: Shape, layer: int) -> AttentionKind:
    heads, kv_heads = shape.heads[layer], shape.kv_heads[layer]
    if layer in shape.state_layers and (not kv_heads or layer not in shape.key_layers):
        return AttentionKind.RECURRENT
    if not heads or not kv_heads:
        return AttentionKind.NONE
    if shape.latent:
        return AttentionKind.LATENT
    if shape.windowed[layer]:
        return AttentionKind.WINDOWED
    return AttentionKind.GROUPED if kv_heads < heads else AttentionKind.FULL


def window_of(architecture: str, stated: int) -> int:
    """The window in tokens, 0 where the engine uses none for this architecture."""
    return stated or _WINDOWS.get(architecture, 0)


def windowed_layers(
    architecture: str, window: int, layers: int, pattern: Sequence[object] | int | None
) -> tuple[bool, ...]:
    """Which layers have a window; `pattern` is the file's: flags, or a period, or None."""
    if not window:
        return (False,) * layers
    if isinstance(pattern, Sequence):
        flags = tuple(bool(flag) for flag in pattern[:layers])
        return flags + (False,) * (layers - len(flags))
    first = _PATTERNS_FIRST.get(architecture, 0)
    last = pattern or _PATTERNS_LAST.get(architecture, 0)
    if first:
        return tuple(layer % first != 0 for layer in range(layers))
    return tuple(bool(last) and layer % last < last - 1 for layer in range(layers))
