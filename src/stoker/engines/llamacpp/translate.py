"""From a request in no dialect to the engine's: path and JSON body, always a stream.

Pure. What a request leaves open is not asked for, so the engine's default holds.
"""

from __future__ import annotations

import json
from typing import Any

from stoker.core.errors import UnsupportedParameterError
from stoker.core.request import Kind, Request, Sampling
from stoker.engines.base import WireRequest

_SAMPLING = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "repeat_penalty",
    "seed",
    "max_tokens",
    "ignore_eos",
)


def translate(request: Request) -> WireRequest:
    """`request` as the engine wants it.

    Raises:
        UnsupportedParameterError: a completion of more than one prompt, whose answers the engine
            would mix in one stream.
    """
    if request.kind is Kind.EMBEDDING:
        return _wire("/v1/embeddings", {"input": list(request.inputs), "encoding_format": "float"})
    if request.kind is Kind.COMPLETION:
        return _wire("/v1/completions", {"prompt": _prompt(request), **_generation(request)})
    messages = [{"role": m.role.value, "content": m.content} for m in request.messages]
    if request.kind is Kind.RENDER:
        return _wire("/apply-template", {"messages": messages})
    return _wire("/v1/chat/completions", {"messages": messages, **_generation(request)})


def _prompt(request: Request) -> str:
    if len(request.inputs) != 1:
        raise UnsupportedParameterError(
            f"one prompt at a time, not {len(request.inputs)}", param="prompt"
        )
    return request.inputs[0]


def _generation(request: Request) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": str(request.model),
        "stream": True,
        "return_progress": True,  # so that a long prefill is seen, and ends with its client
        "cache_prompt": True,
        **_sampling(request.sampling),
    }
    if request.include_usage:
        body["stream_options"] = {"include_usage": True}
    if request.json_object:
        body["response_format"] = {"type": "json_object"}
    return body


def _sampling(sampling: Sampling) -> dict[str, Any]:
    asked = {name: getattr(sampling, name) for name in _SAMPLING}
    body = {name: value for name, value in asked.items() if value is not None}
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    return body


def _wire(path: str, body: dict[str, Any]) -> WireRequest:
    return WireRequest(path, json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
