"""The sizes in a header that decide an engine's memory; see `stoker.core.layout` for their meaning.

Owns which keys hold them, and what the engine knows by heart of an architecture.
"""

from __future__ import annotations

from typing import Any

from stoker.core.layout import Layout
from stoker.models.gguf.header import Header
from stoker.models.gguf.tensors import ENGINE_ALIGNMENT, Tensors, aligned

# Layers from the first that own a cache, where the file does not say so.
_KV_LAYERS = {"gemma3n": 20}
_SHIFTS_DEFAULT = 2


def layout_of(header: Header, architecture: str, layers: int) -> Layout:
    """What `header` says of a model of `architecture` with so many `layers`."""
    of = _Numbers(header, architecture)
    ahead = min(of("nextn_predict_layers"), layers - 1)  # one at least is run
    expert_ffn = of("expert_feed_forward_length")
    shared = of("expert_shared_feed_forward_length") or expert_ffn * of("expert_shared_count")
    return Layout(
        ffn=of.per_layer("feed_forward_length", layers),
        expert_ffn=expert_ffn,
        shared_ffn=shared,
        dense_layers=of("leading_dense_block_count"),
        window_head_k=of("attention.key_length_swa"),
        window_head_v=of("attention.value_length_swa"),
        latent=of("attention.kv_lora_rank"),
        query_latent=of("attention.q_lora_rank"),
        latent_head_k=of("attention.key_length_mla"),
        latent_head_v=of("attention.value_length_mla"),
        rope=of("rope.dimension_count"),
        kv_layers=_kv_layers(of, architecture, layers - ahead),
        ahead_layers=ahead,
        state_layers=len(header.table.state_layers),
        conv=of("ssm.conv_kernel"),
        inner=of("ssm.inner_size"),
        state=of("ssm.state_size"),
        groups=of("ssm.group_count"),
        time_rank=of("ssm.time_step_rank"),
        short_conv=of("shortconv.l_cache"),
        shifts=of("token_shift_count") or (_SHIFTS_DEFAULT if of("wkv.head_size") else 0),
        state_head=of("wkv.head_size"),
        merges=header.array_lengths.get("tokenizer.ggml.merges", 0),
        **_bytes(header.table, layers),
    )


class _Numbers:
    """The architecture's own keys of a header, as counts."""

    def __init__(self, header: Header, architecture: str) -> None:
        self._header = header
        self._prefix = f"{architecture}."

    def __call__(self, key: str) -> int:
        """The number under `key`; the largest where there is one for each layer; else 0."""
        return max(self._numbers(key), default=0)

    def per_layer(self, key: str, layers: int) -> tuple[int, ...]:
        """One number for each layer, 0 for those that an array does not reach."""
        numbers = self._numbers(key)
        if len(numbers) == 1:
            return numbers * layers
        return numbers[:layers] + (0,) * (layers - len(numbers))

    def _numbers(self, key: str) -> tuple[int, ...]:
        whole = self._prefix + key
        found = self._header.arrays.get(whole) or (self._header.values.get(whole, 0),)
        return tuple(one if type(one) is int and one > 0 else 0 for one in found)


def _kv_layers(of: _Numbers, architecture: str, layers: int) -> int:
    own = _KV_LAYERS.get(architecture, layers - of("attention.shared_kv_layers"))
    return max(0, min(own, layers))


def _bytes(table: Tensors, layers: int) -> dict[str, Any]:
    by_layer = table.padded_bytes
    embedding = table.embedding
    whole = sum(by_layer.values())
    own = tuple(by_layer.get(layer, 0) for layer in range(layers))
    return {
        "stretch_bytes": table.stretch_bytes,
        "layer_bytes": own,
        "other_bytes": whole - sum(own),
        "embedding_bytes": aligned(embedding.bytes, ENGINE_ALIGNMENT) if embedding else 0,
        "embedding_type": embedding.type.name if embedding else "",
        "tied": embedding is not None and not table.has_output,
    }
