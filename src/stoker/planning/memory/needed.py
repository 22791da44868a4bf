"""What a header must state for the formulas, and what is missing of it."""

from __future__ import annotations

from collections.abc import Iterator

from stoker.core.model import AttentionKind, ModelFacts

_ATTENDING = frozenset({AttentionKind.FULL, AttentionKind.GROUPED, AttentionKind.WINDOWED})


def missing_keys(facts: ModelFacts) -> tuple[str, ...]:
    """The keys that the header should have and has not, with the architecture in front."""
    return tuple(f"{facts.architecture}.{key}" for key, number in _needed(facts) if not number)


def _needed(facts: ModelFacts) -> Iterator[tuple[str, int]]:
    layout, kinds = facts.layout, frozenset(facts.attention)
    yield "vocab_size", facts.vocabulary
    yield "attention.head_count", int(len(facts.attention) >= facts.layers)
    if kinds & _ATTENDING:
        yield "attention.key_length", facts.head_length_k
        yield "attention.value_length", facts.head_length_v
    if AttentionKind.LATENT in kinds:
        yield "attention.kv_lora_rank", layout.latent
        yield "rope.dimension_count", layout.rope
    if AttentionKind.RECURRENT in kinds and not (layout.short_conv or layout.state_head):
        yield "ssm.conv_kernel", layout.conv
        yield "ssm.inner_size", layout.inner
        yield "ssm.state_size", layout.state
        yield "ssm.time_step_rank", layout.time_rank
    if facts.experts:
        yield "expert_used_count", facts.experts_used
        yield "expert_feed_forward_length", layout.expert_ffn or max(layout.ffn, default=0)
    elif kinds - {AttentionKind.RECURRENT}:
        yield "feed_forward_length", max(layout.ffn, default=0)
