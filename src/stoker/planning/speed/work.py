"""What one step of a model reads and computes: the quantities that its time is a sum over.

Pure. A step takes some tokens through all layers; what a token costs beyond that depends on how
many earlier tokens it attends to. Seconds come from a `Basis`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from itertools import pairwise

from stoker.core.model import AttentionKind, ModelFacts, Task
from stoker.core.plan import KV_GROUP, KV_TYPES
from stoker.core.weights import Use, WeightUse
from stoker.planning.speed.formats import format_family

# Engines keep the cache in blocks of so many tokens. One answer with one block behind it attends
# to it head by head; with more, block by block, whole blocks, divided among the threads.
BLOCK = 256
# A recurrent layer's state is read and written once a token, whatever came before: as much work as
# attending to about so many tokens.
_STATE_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Attention:
    """`layers` equal layers of attention.

    Each has `heads` heads of `length` elements (a key's and a value's together), and attends to the
    last `window` tokens, 0 for all. Of each token it keeps `kv_elements` in the KV cache.
    """

    layers: float
    heads: int
    length: int
    kv_elements: int
    window: int = 0

    def attended(self, past: float) -> float:
        """How many of `past` tokens a layer attends to."""
        return min(past, self.window) if self.window else past

    def near(self, past: float) -> float:
        """How many of `past` tokens a step attends to head by head."""
        attended = self.attended(past)
        return attended if attended < BLOCK else 0.0

    def far(self, past: float) -> float:
        """How many tokens' places in the cache a step goes through block by block."""
        attended = self.attended(past)
        return 0.0 if attended < BLOCK else math.ceil((attended + 1) / BLOCK) * BLOCK


@dataclass(frozen=True, slots=True)
class Work:
    """One model as far as it decides how long a step takes.

    `uses` are its weights in elements and bytes, `hidden` the elements of a token's vector,
    `vocabulary` counts tokens; a token passes through `experts_used` of `experts` in each layer. A
    model that `embeds` makes vectors of texts: it reads each in one step, every token of it is
    wanted, and nothing is written. One that is not `causal` attends to the whole text from each
    token of it. `kv_element_bytes` is the size of an element of the KV cache.
    """

    uses: tuple[WeightUse, ...]
    layers: int
    hidden: int
    vocabulary: int
    attention: tuple[Attention, ...] = ()
    experts: int = 0
    experts_used: int = 0
    embeds: bool = False
    causal: bool = True
    kv_element_bytes: float = 2.0

    @property
    def has_experts(self) -> bool:
        """Whether tokens are sent to some of several experts."""
        return 0 < self.experts_used < self.experts

    def share(self, use: Use, tokens: float = 1.0) -> float:
        """Of the weights of `use`, the share that `tokens` in one step touch.

        Experts are chosen as if at random, which is what training aims at.
        """
        if use is not Use.EXPERT or not self.has_experts:
            return 1.0
        return 1.0 - float((1.0 - self.experts_used / self.experts) ** tokens)

    def passed(self, use: Use) -> float:
        """Of the weights of `use`, the share that a prompt's tokens are multiplied with.

        Of the last layer nothing is needed but what the next token is made of, so its feed-forward
        part has one token to do.
        """
        share = self.share(use)
        if self.embeds or not self.layers:
            return share
        if use is Use.EXPERT:
            return share * (1.0 - 1.0 / self.layers)
        if use is Use.BODY and not self.has_experts:
            return share - self._last_feed_forward()
        return share

    def _last_feed_forward(self) -> float:
        """The share of the layers' weights that the last layer's feed-forward part has, about."""
        body = sum(one.elements for one in self.uses if one.use is Use.BODY)
        attention = sum(
            one.layers * self.hidden * (one.heads * one.length + one.kv_elements)
            for one in self.attention
        )
        return max(body - attention, 0.0) / body / self.layers if body else 0.0

    def heads(self, tokens: Callable[[Attention], float]) -> float:
        """Heads times the `tokens` that one token attends to, over all layers."""
        return sum(one.layers * one.heads * tokens(one) for one in self.attention)

    def products(self, tokens: Callable[[Attention], float]) -> float:
        """Multiplications of one token with the keys and values of `tokens`, over all layers."""
        return sum(one.layers * one.heads * one.length * tokens(one) for one in self.attention)

    def steps(self, tokens: int, micro_batch: int, past: int = 0) -> tuple[tuple[int, float], ...]:
        """The steps in which a prompt of `tokens` is read, with `past` tokens before it.

        Of each step, its tokens and how many each of them attends to on average.
        """
        if not self.causal:
            return ((tokens, float(tokens)),)
        return _passes(tokens, tokens if self.embeds else micro_batch, past)

    def attended_mean(self, tokens: int, past: int = 0) -> float:
        """How many tokens one of a prompt's attends to, on average."""
        return past + tokens / 2 if self.causal else float(tokens)

    def kv_bytes(self, past: float) -> float:
        """Bytes of the KV cache that one step of a sequence of `past` tokens reads."""
        elements = sum(one.layers * one.kv_elements * one.attended(past) for one in self.attention)
        return elements * self.kv_element_bytes

    def read_bytes(self, past: float, streams: int = 1) -> float:
        """Bytes that a step reads: of `streams` answers with `past` tokens behind each."""
        weights = sum(
            one.size_bytes * self.share(one.use, streams)
            for one in self.uses
            if one.use is not Use.LOOKUP
        )
        return weights + streams * self.kv_bytes(past)

    def rows(self, uses: Collection[Use], families: Collection[str] | None = None) -> float:
        """Rows of the matrices of `uses` that one token is multiplied with, about.

        Rows are taken to be as long as a token's vector is. With `families`, of these formats.
        """
        weights = sum(
            one.elements * self.share(one.use)
            for one in self.uses
            if one.use in uses and (families is None or format_family(one.format) in families)
        )
        return weights / max(self.hidden, 1)


def work_of(facts: ModelFacts, kv_type: str = "f16") -> Work:
    """The work of the model with `facts` and a KV cache of that type.

    Weights of unknown use count as read by every token.
    """
    uses = facts.uses or tuple(
        WeightUse(Use.BODY, kind, _share_of(facts, size), size) for kind, size in facts.weight_bytes
    )
    embeds = facts.task is Task.EMBED
    return Work(
        uses=tuple(_unwritten(one) for one in uses) if embeds else uses,
        layers=facts.layers,
        hidden=facts.embedding_length,
        vocabulary=facts.vocabulary,
        attention=_attention(facts),
        experts=facts.experts,
        experts_used=facts.experts_used,
        embeds=embeds,
        causal=facts.causal,
        kv_element_bytes=KV_TYPES[kv_type] / KV_GROUP,
    )


def _unwritten(one: WeightUse) -> WeightUse:
    """Who makes vectors multiplies with no output matrix, even where the file has one."""
    return replace(one, use=Use.LOOKUP) if one.use is Use.OUTPUT else one


def _share_of(facts: ModelFacts, size: int) -> int:
    whole = sum(size for _, size in facts.weight_bytes)
    return round(facts.parameters * size / whole) if whole else 0


def _attention(facts: ModelFacts) -> tuple[Attention, ...]:
    length = facts.head_length_k + facts.head_length_v
    counted: Counter[Attention] = Counter()
    for layer, kind in enumerate(facts.attention):
        kv_heads = facts.kv_heads[layer] if layer < len(facts.kv_heads) else facts.heads
        if kind is AttentionKind.RECURRENT:
            counted[Attention(1, 1, 2 * facts.embedding_length, 0, _STATE_TOKENS)] += 1
        elif kind is not AttentionKind.NONE:
            elements = facts.head_length_k if kind is AttentionKind.LATENT else kv_heads * length
            window = facts.window if kind is AttentionKind.WINDOWED else 0
            counted[Attention(1, facts.heads, length, elements, window)] += 1
    return tuple(
        Attention(count, one.heads, one.length, one.kv_elements, one.window)
        for one, count in counted.items()
    )


def _passes(tokens: int, micro_batch: int, past: int) -> tuple[tuple[int, float], ...]:
    edges = [*range(0, tokens, micro_batch), tokens]
    return tuple((end - begin, past + (begin + end + 1) / 2) for begin, end in pairwise(edges))
