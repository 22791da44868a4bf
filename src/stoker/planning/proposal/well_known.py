"""The facts of a well-known model that is not here, from its published shape.

Pure. Enough for the formulas of memory and speed; a header, once it is read, always wins.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from stoker.core.layout import Layout
from stoker.core.model import AttentionKind, LocalModel, ModelFacts, ModelRef, Task
from stoker.core.published import ModelShape
from stoker.core.weights import Use, WeightUse
from stoker.planning.catalogue import Entry
from stoker.planning.mixtures import embedding_type_of, type_of

# By how names begin: the engine's architecture, which decides how its steps look.
_ARCHITECTURES = {
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "gemma-3": "gemma3",
    "phi-4": "phi3",
    "gpt-oss": "gpt-oss",
    "deepseek": "deepseek2",
}
# What DeepSeek-V2 and V3 keep of a token, and the sizes of their heads (published configurations).
_LATENT = {"latent": 512, "query_latent": 1536, "rope": 64, "dense_layers": 3, "shared_ffn": 2048}
_LATENT_HEADS = {"latent_head_k": 192, "latent_head_v": 128}


@cache
def model_of(entry: Entry) -> LocalModel:
    """The model of `entry`, in its own quantization, as if its header had been read."""
    facts = facts_of_shape(entry.shape, entry.quantization, entry.weights_bytes)
    return LocalModel(ModelRef(entry.shape.name), Path(entry.shape.name), facts)


def facts_of_shape(shape: ModelShape, quantization: str, weights_bytes: int) -> ModelFacts:
    """The facts of `shape` in a file of `weights_bytes`."""
    architecture = architecture_of(shape)
    latent = architecture == "deepseek2"
    length = 576 if latent else shape.head_dim or shape.hidden // shape.heads
    kind = type_of(quantization)
    return ModelFacts(
        architecture=architecture,
        parameters=shape.parameters,
        quantization=quantization,
        file_bytes=weights_bytes,
        context_length=shape.context_length,
        layers=shape.layers,
        embedding_length=shape.hidden,
        vocabulary=shape.vocabulary,
        task=Task.GENERATE,
        chat_template=True,
        name=shape.name,
        parameters_active=shape.parameters_active,
        attention=_attention(shape, latent=latent),
        window=shape.window or 0,
        experts=shape.experts or 0,
        experts_used=shape.experts_active or 0,
        heads=shape.heads,
        kv_heads=(shape.kv_heads or shape.heads,) * shape.layers,
        head_length_k=length,
        head_length_v=512 if latent else length,
        weight_bytes=((kind, weights_bytes),),
        uses=_uses(shape, quantization, weights_bytes),
        layout=_layout(shape, embedding_type_of(quantization), weights_bytes, latent=latent),
    )


def architecture_of(shape: ModelShape) -> str:
    """What the engine calls models of this shape."""
    name = shape.name.lower()
    found = next((it for start, it in _ARCHITECTURES.items() if name.startswith(start)), "llama")
    return "qwen3moe" if found == "qwen3" and shape.experts else found


def _attention(shape: ModelShape, *, latent: bool) -> tuple[AttentionKind, ...]:
    if latent:
        return (AttentionKind.LATENT,) * shape.layers
    grouped = shape.kv_heads is not None and shape.kv_heads < shape.heads
    whole = AttentionKind.GROUPED if grouped else AttentionKind.FULL
    if not shape.window or not shape.global_layers:
        return (whole,) * shape.layers
    every = shape.layers // shape.global_layers
    left = shape.global_layers
    kinds = []
    for layer in range(shape.layers):
        sees_all = left > 0 and layer % every == every - 1
        left -= sees_all
        kinds.append(whole if sees_all else AttentionKind.WINDOWED)
    return tuple(kinds)


def _uses(shape: ModelShape, quantization: str, weights_bytes: int) -> tuple[WeightUse, ...]:
    """What the weights are for, by their shares of the parameters.

    Of the experts' weights a token uses a share, and of all others everything: that tells how many
    there are of each.
    """
    vectors = shape.vocabulary * shape.hidden
    idle = shape.parameters - shape.parameters_active
    chosen = (shape.experts_active or 0) / shape.experts if shape.experts else 1.0
    experts = round(idle / (1.0 - chosen)) if chosen < 1.0 else 0
    ends = embedding_type_of(quantization)
    counts = [(Use.OUTPUT, ends, vectors), (Use.EXPERT, type_of(quantization), experts)]
    if "tied embeddings" not in shape.note:
        counts.append((Use.LOOKUP, ends, vectors))
    body = shape.parameters - sum(count for _, _, count in counts)
    counts.append((Use.BODY, type_of(quantization), max(0, body)))
    each = weights_bytes / shape.parameters
    return tuple(
        WeightUse(use, kind, count, round(count * each)) for use, kind, count in counts if count
    )


def _layout(shape: ModelShape, kind: str, weights_bytes: int, *, latent: bool) -> Layout:
    """Layers of equal size; the tokens' vectors at the share of the parameters that they are."""
    tied = "tied embeddings" in shape.note
    vectors = shape.vocabulary * shape.hidden
    matrices = vectors if tied else 2 * vectors
    other = round(weights_bytes * min(1.0, matrices / shape.parameters))
    each = (weights_bytes - other) // shape.layers
    more = {**_LATENT, **_LATENT_HEADS} if latent else {}
    return Layout(
        ffn=(shape.ffn,) * shape.layers,
        expert_ffn=shape.ffn if shape.experts else 0,
        kv_layers=shape.layers,
        stretch_bytes=weights_bytes,
        layer_bytes=(each,) * shape.layers,
        other_bytes=weights_bytes - each * shape.layers,
        embedding_bytes=round(weights_bytes * vectors / shape.parameters),
        embedding_type=kind,
        tied=tied,
        **more,
    )
