"""A model's facts for programs and for people, wherever they were read.

Owns the stable keys of `show --json`, and how a person reads the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import click

from stoker.core.model import AttentionKind, ModelFacts
from stoker.core.units import format_bytes, format_count

_WIDTH = 16


def describe(facts: ModelFacts, *, model: str) -> dict[str, Any]:
    """The facts of the model called `model`, under the names that `show --json` keeps stable.

    Sizes are in bytes, lengths in elements, `window` and `context` in tokens; lists have one entry
    for each layer. What is not known is null, 0 or empty.
    """
    return {
        "model": model,
        "name": facts.name,
        "architecture": facts.architecture,
        "task": facts.task.value,
        "parameters": facts.parameters,
        "parameters_active": facts.parameters_active,
        "quantization": facts.quantization,
        "bits_per_weight": round(facts.bits_per_weight, 3),
        "bytes": facts.file_bytes,
        "bytes_by_type": dict(facts.weight_bytes),
        "context": facts.context_length,
        "layers": facts.layers,
        "embedding_length": facts.embedding_length,
        "attention": _counted(facts.attention),
        "attention_layers": [kind.value for kind in facts.attention],
        "window": facts.window,
        "heads": facts.heads,
        "kv_heads": list(facts.kv_heads),
        "head_length_k": facts.head_length_k,
        "head_length_v": facts.head_length_v,
        "experts": facts.experts,
        "experts_used": facts.experts_used,
        "vocabulary": facts.vocabulary,
        "tokenizer": facts.tokenizer,
        "tokenizer_pre": facts.tokenizer_pre,
        "chat_template": facts.chat_template,
        "chat_template_digest": facts.chat_template_digest,
        "container": facts.container,
        "parts": facts.parts,
        "big_endian": facts.big_endian,
        "licence": facts.licence,
        "digest": facts.digest,
    }


def show(facts: ModelFacts, *, model: str, hints: Mapping[str, str] | None = None) -> None:
    """Print the facts of the model called `model` for a person.

    `hints` says, for lines that are empty, what would fill them.
    """
    for name, value in rows(facts, model):
        hint = (hints or {}).get(name)
        empty = f"-  ({hint})" if hint else "-"
        click.echo(f"{name.ljust(_WIDTH)}{value or empty}")


def rows(facts: ModelFacts, model: str) -> list[tuple[str, str]]:
    """Name and value of each line; lines that would say nothing of this model are left out."""
    found = [
        ("model", model),
        ("name", facts.name),
        ("architecture", facts.architecture),
        ("task", facts.task.value),
        ("parameters", _parameters(facts)),
        ("quantization", facts.quantization),
        ("bits per weight", f"{facts.bits_per_weight:.2f}"),
        ("bytes", format_bytes(facts.file_bytes)),
        ("bytes by type", _types(facts)),
        ("context", str(facts.context_length)),
        ("layers", str(facts.layers)),
        ("attention", _attention(facts)),
        ("heads", _heads(facts)),
    ]
    if facts.experts:
        found.append(("experts", f"{facts.experts}, {facts.experts_used} used by a token"))
    return [
        *found,
        ("embedding", str(facts.embedding_length)),
        ("vocabulary", str(facts.vocabulary)),
        ("tokenizer", ", ".join(part for part in (facts.tokenizer, facts.tokenizer_pre) if part)),
        ("chat template", facts.chat_template_digest or ""),
        ("container", _container(facts)),
        ("licence", facts.licence),
        ("digest", facts.digest or ""),
    ]


def _parameters(facts: ModelFacts) -> str:
    total = format_count(facts.parameters)
    if facts.parameters_active in {0, facts.parameters}:
        return total
    return f"{total}, {format_count(facts.parameters_active)} active"


def _types(facts: ModelFacts) -> str:
    return ", ".join(f"{kind} {format_bytes(size)}" for kind, size in facts.weight_bytes)


def _counted(kinds: tuple[AttentionKind, ...]) -> dict[str, int]:
    return {kind.value: count for kind, count in Counter(kinds).most_common()}


def _attention(facts: ModelFacts) -> str:
    """Such as `22 grouped, 4 windowed (1024)`."""
    windowed = f" ({facts.window})" if facts.window else ""
    return ", ".join(
        f"{count} {kind}{windowed if kind == AttentionKind.WINDOWED else ''}"
        for kind, count in _counted(facts.attention).items()
    )


def _heads(facts: ModelFacts) -> str:
    """Such as `32 of 128, 8 for keys and values`; a length that differs for values is added."""
    if not facts.heads:
        return ""
    length = str(facts.head_length_k)
    if facts.head_length_v != facts.head_length_k:
        length += f" (values {facts.head_length_v})"
    text = f"{facts.heads} of {length}"
    shared = sorted({count for count in facts.kv_heads if count})
    if shared in ([], [facts.heads]):
        return text
    return f"{text}, {' or '.join(map(str, shared))} for keys and values"


def _container(facts: ModelFacts) -> str:
    parts = "" if facts.parts == 1 else f", {facts.parts} files"
    return f"{facts.container}{parts}{', big-endian' if facts.big_endian else ''}"
