"""What one step of a model reads and computes: the quantities that its time is a sum over.

Pure. A step takes some tokens through all layers; what a token costs beyond that depends on how
far back attention looks. Seconds come from `calibrated` or `stated`.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from stoker.core.model import AttentionKind, ModelFacts
from stoker.core.weights import Use, WeightUse

# Engines keep and scan the cache in blocks of so many tokens.
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

    def scanned(self, past: float) -> float:
        """How many places of the cache a step takes as long as: whole blocks beyond the first.

        Engines divide several blocks among their threads, and the slowest has a full share.
        """
        back = self.back(past)
        return back if back < BLOCK else math.ceil((back + 1) / BLOCK) * BLOCK


@dataclass(frozen=True, slots=True)
class Work:
    """One model as far as it decides how long a step takes."""

    uses: tuple[WeightUse, ...]
    layers: int
    hidden: int
    vocabulary: int
    looks: tuple[Look, ...] = ()
    experts: int = 0
    experts_used: int = 0

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

    def multiplied(self, use: Use) -> float:
        """The share of the weights of `use` that one token is multiplied with."""
        return self.share(use)

    def heads_back(self, past: float) -> float:
        """Heads times tokens that one token looks back on, over all layers."""
        return sum(look.layers * look.heads * look.back(past) for look in self.looks)

    def products_back(self, past: float) -> float:
        """Multiplications of one token with keys and values, over all layers."""
        return sum(look.layers * look.heads * look.length * look.back(past) for look in self.looks)

    def heads_scanned(self, past: float) -> float:
        """As `heads_back`, in places that are scanned."""
        return sum(look.layers * look.heads * look.scanned(past) for look in self.looks)

    def kept_scanned(self, past: float, element_bytes: float = 2.0) -> float:
        """Bytes of the KV cache in the places that are scanned."""
        kept = sum(look.layers * look.kept * look.scanned(past) for look in self.looks)
        return kept * element_bytes

    def split_layers(self, past: float) -> float:
        """Layers that look back on more than one block: engines divide those among threads."""
        return sum(look.layers for look in self.looks if look.scanned(past) > BLOCK)

    def kept_bytes(self, past: float, element_bytes: float = 2.0) -> float:
        """Bytes of the KV cache that one step of a sequence of `past` tokens reads."""
        kept = sum(look.layers * look.kept * look.back(past) for look in self.looks)
        return kept * element_bytes

    def read_bytes(self, past: float, streams: int = 1) -> float:
        """Bytes that a step reads: of `streams` answers with `past` tokens behind each."""
        weights = sum(
            one.size_bytes * self.share(one.use, streams)
            for one in self.uses
            if one.use is not Use.LOOKUP
        )
        return weights + streams * self.kept_bytes(past)

    @property
    def activations(self) -> float:
        """Numbers that a token makes on its way, about: each matrix's outputs, over all layers."""
        weights = sum(
            one.elements * self.multiplied(one.use)
            for one in self.uses
            if one.use in (Use.BODY, Use.EXPERT)
        )
        return weights / max(self.hidden, 1)


def work_of(facts: ModelFacts) -> Work:
    """The work of the model with `facts`; weights of unknown use count as read by every token."""
    uses = facts.uses or tuple(
        WeightUse(Use.BODY, kind, _share_of(facts, size), size) for kind, size in facts.weight_bytes
    )
    return Work(
        uses=uses,
        layers=facts.layers,
        hidden=facts.embedding_length,
        vocabulary=facts.vocabulary,
        looks=_looks(facts),
        experts=facts.experts,
        experts_used=facts.experts_used,
    )


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


def passes(tokens: int, micro_batch: int, past: int = 0) -> tuple[tuple[int, float], ...]:
    """The steps in which a prompt of `tokens` is read, with `past` tokens before it.

    Of each step, its tokens and how far each of them looks back on average.
    """
    edges = [*range(0, tokens, micro_batch), tokens]
    return tuple((end - begin, past + (begin + end + 1) / 2) for begin, end in pairwise(edges))
