"""What one step of a model reads and computes: the quantities that its time is a sum over.

Pure. A step takes some tokens through all layers; what a token costs beyond that depends on how
far back attention looks. Seconds come from `calibrated` or `stated`.
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

# Engines keep the cache in blocks of so many tokens. One answer with one block behind it is looked
# through head by head; with more, block by block, whole blocks, divided among the threads.
BLOCK = 256
# A recurrent layer's state is read and written once a token, whatever came before: as much work as
# looking back on about so many tokens.
_STATE_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Look:
    """`layers` equal layers of attention.

    Each has `heads` heads of `length` elements (keys and values together), and looks back on at
    most `window` tokens, 0 for all. `kept` elements a token are stored.
    """

    layers: float
    heads: int
    length: int
    kept: int
    window: int = 0

    def back(self, past: float) -> float:
        """How many of `past` tokens a layer looks back on."""
        return min(past, self.window) if self.window else past

    def near(self, past: float) -> float:
        """How many of `past` tokens a step looks at head by head."""
        back = self.back(past)
        return back if back < BLOCK else 0.0

    def far(self, past: float) -> float:
        """How many places of the cache a step goes through block by block."""
        back = self.back(past)
        return 0.0 if back < BLOCK else math.ceil((back + 1) / BLOCK) * BLOCK


@dataclass(frozen=True, slots=True)
class Work:
    """One model as far as it decides how long a step takes.

    A model that `embeds` makes vectors of texts: it reads each in one step, every token of it is
    wanted, and nothing is written. One that is not `causal` looks at the whole text from each
    token of it. `kept_element_bytes` is the size of an element of the KV cache.
    """

    uses: tuple[WeightUse, ...]
    layers: int
    hidden: int
    vocabulary: int
    looks: tuple[Look, ...] = ()
    experts: int = 0
    experts_used: int = 0
    embeds: bool = False
    causal: bool = True
    kept_element_bytes: float = 2.0

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
        looking = sum(
            look.layers * self.hidden * (look.heads * look.length + look.kept)
            for look in self.looks
        )
        return max(body - looking, 0.0) / body / self.layers if body else 0.0

    def heads(self, tokens: Callable[[Look], float]) -> float:
        """Heads times the `tokens` that one token looks back on, over all layers."""
        return sum(look.layers * look.heads * tokens(look) for look in self.looks)

    def products(self, tokens: Callable[[Look], float]) -> float:
        """Multiplications of one token with the keys and values of `tokens`, over all layers."""
        return sum(look.layers * look.heads * look.length * tokens(look) for look in self.looks)

    def steps(self, tokens: int, micro_batch: int, past: int = 0) -> tuple[tuple[int, float], ...]:
        """The steps in which a prompt of `tokens` is read, with `past` tokens before it.

        Of each step, its tokens and how far each of them looks on average.
        """
        if not self.causal:
            return ((tokens, float(tokens)),)
        return _passes(tokens, tokens if self.embeds else micro_batch, past)

    def looked_at(self, tokens: int, past: int = 0) -> float:
        """How many tokens one of a prompt's looks at, on average."""
        return past + tokens / 2 if self.causal else float(tokens)

    def kept_bytes(self, past: float) -> float:
        """Bytes of the KV cache that one step of a sequence of `past` tokens reads."""
        kept = sum(look.layers * look.kept * look.back(past) for look in self.looks)
        return kept * self.kept_element_bytes

    def read_bytes(self, past: float, streams: int = 1) -> float:
        """Bytes that a step reads: of `streams` answers with `past` tokens behind each."""
        weights = sum(
            one.size_bytes * self.share(one.use, streams)
            for one in self.uses
            if one.use is not Use.LOOKUP
        )
        return weights + streams * self.kept_bytes(past)

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
        looks=_looks(facts),
        experts=facts.experts,
        experts_used=facts.experts_used,
        embeds=embeds,
        causal=facts.causal,
        kept_element_bytes=KV_TYPES[kv_type] / KV_GROUP,
    )


def _unwritten(one: WeightUse) -> WeightUse:
    """Who makes vectors multiplies with no output matrix, even where the file has one."""
    return replace(one, use=Use.LOOKUP) if one.use is Use.OUTPUT else one


def _share_of(facts: ModelFacts, size: int) -> int:
    whole = sum(size for _, size in facts.weight_bytes)
    return round(facts.parameters * size / whole) if whole else 0


def _looks(facts: ModelFacts) -> tuple[Look, ...]:
    length = facts.head_length_k + facts.head_length_v
    counted: Counter[Look] = Counter()
    for layer, kind in enumerate(facts.attention):
        kv_heads = facts.kv_heads[layer] if layer < len(facts.kv_heads) else facts.heads
        if kind is AttentionKind.RECURRENT:
            counted[Look(1, 1, 2 * facts.embedding_length, 0, _STATE_TOKENS)] += 1
        elif kind is not AttentionKind.NONE:
            kept = facts.head_length_k if kind is AttentionKind.LATENT else kv_heads * length
            window = facts.window if kind is AttentionKind.WINDOWED else 0
            counted[Look(1, facts.heads, length, kept, window)] += 1
    return tuple(
        Look(count, one.heads, one.length, one.kept, one.window) for one, count in counted.items()
    )


def _passes(tokens: int, micro_batch: int, past: int) -> tuple[tuple[int, float], ...]:
    edges = [*range(0, tokens, micro_batch), tokens]
    return tuple((end - begin, past + (begin + end + 1) / 2) for begin, end in pairwise(edges))
