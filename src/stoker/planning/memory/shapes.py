"""The sizes of one layer's parts, out of a model's facts; what a step must be ready for."""

from __future__ import annotations

from dataclasses import dataclass

from stoker.core.model import AttentionKind, ModelFacts


@dataclass(frozen=True, slots=True)
class Demand:
    """What one step must be ready for.

    `tokens` go through at a time, of `slots` texts; `outputs` of them give an answer. A text's
    cache has `cells`, in windowed layers `window_cells`. `quantized` says that the cache is.
    """

    tokens: int
    slots: int
    outputs: int
    cells: int
    window_cells: int
    quantized: bool = False


@dataclass(frozen=True, slots=True)
class Heads:
    """One attention layer's heads: how many, and their lengths. Without `kv` it owns no cache."""

    count: int
    kv: int
    length_k: int
    length_v: int


@dataclass(frozen=True, slots=True)
class Latent:
    """Latent attention's heads, and its lengths.

    They are those of what is kept, of its part with a position, of what queries are made from, and
    of a head's keys and values once unfolded.
    """

    count: int
    kept: int
    rope: int
    queries: int
    head_k: int
    head_v: int


@dataclass(frozen=True, slots=True)
class Experts:
    """Of `count` experts `used` are chosen, each of length `ffn`; `shared` is for every token."""

    count: int
    used: int
    ffn: int
    shared: int


@dataclass(frozen=True, slots=True)
class States:
    """A state-space layer; `rank` is its time steps', `second` says that it is of that version."""

    conv: int
    inner: int
    state: int
    groups: int
    rank: int

    @property
    def second(self) -> bool:
        """Whether it has heads in groups, as the second version of these layers."""
        return self.groups > 0

    @property
    def mixed(self) -> int:
        """The length of what goes through the convolution."""
        return self.inner + 2 * self.groups * self.state


def heads_of(facts: ModelFacts, layer: int) -> Heads:
    """The heads of one layer; one behind those with a cache of their own makes no keys."""
    own = layer < (facts.layout.kv_layers or facts.layers)
    lengths = head_lengths(facts, facts.attention[layer])
    return Heads(facts.heads, facts.kv_heads[layer] if own else 0, *lengths)


def head_lengths(facts: ModelFacts, kind: AttentionKind) -> tuple[int, int]:
    """The lengths of a head's keys and of its values, 0 where values are part of the keys."""
    layout = facts.layout
    if kind is AttentionKind.LATENT:
        return layout.latent + layout.rope, 0
    windowed = kind is AttentionKind.WINDOWED
    return (
        (windowed and layout.window_head_k) or facts.head_length_k,
        (windowed and layout.window_head_v) or facts.head_length_v,
    )


def latent_of(facts: ModelFacts) -> Latent:
    """The sizes of latent attention."""
    layout = facts.layout
    return Latent(
        facts.heads,
        layout.latent,
        layout.rope,
        layout.query_latent,
        layout.latent_head_k,
        layout.latent_head_v,
    )


def experts_of(facts: ModelFacts, layer: int) -> Experts | None:
    """The experts of one layer, None where it is dense."""
    layout = facts.layout
    if not facts.experts or layer < layout.dense_layers:
        return None
    ffn = layout.expert_ffn or layout.ffn[layer]
    return Experts(facts.experts, facts.experts_used, ffn, layout.shared_ffn)


def states_of(facts: ModelFacts) -> States:
    """The sizes of a state-space layer."""
    layout = facts.layout
    return States(layout.conv, layout.inner, layout.state, layout.groups, layout.time_rank)


def state_elements(facts: ModelFacts) -> tuple[int, int]:
    """Elements of the convolution's and of the other state of one recurrent layer and text."""
    layout = facts.layout
    if layout.state_head:
        length = facts.embedding_length
        return layout.shifts * length, length * layout.state_head
    if layout.short_conv:
        return facts.embedding_length * (layout.short_conv - 1), 0
    return max(layout.conv - 1, 0) * states_of(facts).mixed, layout.state * layout.inner
