"""What one model is, from its file's header; what the header leaves open is 0 or empty.

Standard library only, and no native code: see `gguf` for the bounds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from stoker.core.errors import ModelFileGarbageError, VocabularyOnlyError
from stoker.core.model import ModelFacts, Task
from stoker.models.attention import LAYERS_MAX, Shape, kinds, window_of, windowed_layers
from stoker.models.gguf.header import Header
from stoker.models.gguf.layout import layout_of
from stoker.models.gguf.parts import read_all
from stoker.models.gguf.weight_uses import weight_uses

ENCODERS = frozenset(
    {
        "bert",
        "eurobert",
        "gemma-embedding",
        "jina-bert-v2",
        "jina-bert-v3",
        "llama-embed",
        "modern-bert",
        "neo-bert",
        "nomic-bert",
        "nomic-bert-moe",
        "t5encoder",
    }
)
_TEXT_LIMIT = 200


def read_facts(path: Path) -> ModelFacts:
    """The facts of the model file `path`; its digest is left to whoever hashes it.

    A split model is named by its first part; sizes and counts are those of all parts.

    Raises:
        ModelFileError: the file is missing, empty, cut short or not a model.
        VocabularyOnlyError: it is a tokenizer without weights.
    """
    header, parts = read_all(path)
    return replace(facts_of(path.name, header), parts=parts)


def facts_of(name: str, header: Header) -> ModelFacts:
    """The facts that `header` states, for a file that errors call `name`.

    Raises:
        ModelFileGarbageError: it states no architecture or none of its sizes.
        VocabularyOnlyError: it is a tokenizer without weights.
    """
    architecture = _checked(name, header)
    layers = _count(header, f"{architecture}.block_count")
    return _with_attention(header, architecture, layers, _basic(header, architecture, layers))


def _checked(name: str, header: Header) -> str:
    architecture = _text(header, "general.architecture")
    if not architecture:
        raise ModelFileGarbageError(f"{name}: names no architecture")
    if not header.tensors or _text(header, "general.type") in {"vocab", "vocabulary"}:
        raise VocabularyOnlyError(f"{name}: holds a vocabulary and no weights")
    for key in ("context_length", "block_count", "embedding_length"):
        if not _count(header, f"{architecture}.{key}"):
            raise ModelFileGarbageError(f"{name}: states no {architecture}.{key}")
    if _count(header, f"{architecture}.block_count") > LAYERS_MAX:
        raise ModelFileGarbageError(f"{name}: states more than {LAYERS_MAX} layers")
    return architecture


def _basic(header: Header, architecture: str, layers: int) -> ModelFacts:
    experts = _count(header, f"{architecture}.expert_count")
    used = min(_count(header, f"{architecture}.expert_used_count"), experts)
    encoder = architecture in ENCODERS
    return ModelFacts(
        architecture=architecture,
        parameters=header.parameters,
        quantization=max(header.weight_bytes, key=header.weight_bytes.__getitem__),
        file_bytes=header.file_bytes,
        context_length=_count(header, f"{architecture}.context_length"),
        layers=layers,
        embedding_length=_count(header, f"{architecture}.embedding_length"),
        vocabulary=_vocabulary(header, architecture),
        task=_task(header, architecture),
        chat_template="tokenizer.chat_template" in header.values,
        name=_text(header, "general.name"),
        licence=_text(header, "general.license"),
        parameters_active=active(header.parameters, header.table.expert_parameters, experts, used),
        experts=experts,
        experts_used=used,
        tokenizer=_text(header, "tokenizer.ggml.model"),
        tokenizer_pre=_text(header, "tokenizer.ggml.pre"),
        chat_template_digest=_template_digest(header),
        weight_bytes=by_size(header.weight_bytes),
        big_endian=header.big_endian,
        layout=layout_of(header, architecture, layers),
        uses=weight_uses(header.table.group_elements, header.table.group_bytes, encoder=encoder),
        causal=not encoder,
    )


def _with_attention(
    header: Header, architecture: str, layers: int, facts: ModelFacts
) -> ModelFacts:
    of = f"{architecture}.attention."
    heads = _per_layer(header, f"{of}head_count", layers, 0)
    shared = f"{of}head_count_kv"
    stated = shared in header.values or shared in header.arrays
    kv_heads = _per_layer(header, shared, layers, 0) if stated else heads
    window = window_of(architecture, _count(header, f"{of}sliding_window"))
    flags = windowed_layers(architecture, window, layers, _pattern(header, of))
    table = header.table
    # Without the lengths of the compressed heads the engine keeps whole keys and values.
    latent = bool(_count(header, f"{of}kv_lora_rank") and _count(header, f"{of}key_length_mla"))
    shape = Shape(heads, kv_heads, flags, latent, table.state_layers, table.key_layers)
    most = max(heads)
    length = facts.embedding_length // most if most else 0
    return replace(
        facts,
        attention=kinds(shape),
        window=window if any(flags) else 0,
        heads=most,
        kv_heads=kv_heads,
        head_length_k=_count(header, f"{of}key_length") or length,
        head_length_v=_count(header, f"{of}value_length") or length,
    )


def active(parameters: int, expert_parameters: int, experts: int, used: int) -> int:
    """How many parameters one token uses: of the experts' only the share of those chosen."""
    if not experts or not used:
        return parameters
    return parameters - expert_parameters * (experts - used) // experts


def by_size(weight_bytes: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Type names and bytes, the largest first."""
    return tuple(sorted(weight_bytes.items(), key=lambda pair: (-pair[1], pair[0])))


def template_digest(template: str) -> str:
    """The sha256 of a chat template, as `sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(template.encode()).hexdigest()}"


def _template_digest(header: Header) -> str | None:
    template = header.values.get("tokenizer.chat_template")
    return template_digest(template) if isinstance(template, str) else None


def _per_layer(header: Header, key: str, layers: int, default: int) -> tuple[int, ...]:
    """One number for each layer: the file has it once, or as an array."""
    numbers = header.arrays.get(key)
    if numbers is None:
        return (_count(header, key) or default,) * layers
    whole = tuple(max(number, 0) if isinstance(number, int) else 0 for number in numbers[:layers])
    return whole + (default,) * (layers - len(whole))


def _pattern(header: Header, prefix: str) -> tuple[object, ...] | int | None:
    key = f"{prefix}sliding_window_pattern"
    return header.arrays.get(key) or _count(header, key) or None


def _task(header: Header, architecture: str) -> Task:
    """An encoder, or a decoder whose file says that its states are pooled, makes embeddings."""
    pooled = _count(header, f"{architecture}.pooling_type") > 0
    return Task.EMBED if pooled or architecture in ENCODERS else Task.GENERATE


def _vocabulary(header: Header, architecture: str) -> int:
    tokens = header.array_lengths.get("tokenizer.ggml.tokens", 0)
    return tokens or _count(header, f"{architecture}.vocab_size")


def _text(header: Header, key: str) -> str:
    value = header.values.get(key)
    return value[:_TEXT_LIMIT] if isinstance(value, str) else ""


def _count(header: Header, key: str) -> int:
    value = header.values.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
