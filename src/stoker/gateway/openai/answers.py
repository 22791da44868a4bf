"""An answer on its way to an OpenAI client: as it comes, or whole."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from stoker.core.bounds import check_task
from stoker.core.errors import InvalidRequestError
from stoker.core.request import Kind, Request, Usage
from stoker.engines.openai_wire import assemble
from stoker.gateway import sse
from stoker.gateway.openai import schema
from stoker.gateway.service import SERVICE
from stoker.routing.answer import Answer, answer


async def respond(http: web.Request, request: Request, *, stream: bool) -> web.StreamResponse:
    """The answer to `request`, streamed or whole.

    Raises:
        CannotGenerateError: its model makes embeddings; it is not loaded for that.
    """
    service = http.app[SERVICE]
    http["model"] = str(request.model)
    if (model := service.models.get(request.model)) is not None:
        check_task(request.kind, model)
    async with answer(service.scheduler, request) as begun:
        if stream:
            return await sse.relay(http, begun, write_s=service.policy.write_s)
        return web.json_response(await _whole(begun, request))


def check_stream_options(body: schema.CommonBody) -> None:
    """Refuse options of a stream where none was asked for.

    Raises:
        InvalidRequestError: the client would wait for what never comes.
    """
    if body.stream_options is not None and not body.stream:
        raise InvalidRequestError(
            "stream_options without stream", hint="set stream to true", param="stream_options"
        )


async def _whole(begun: Answer, request: Request) -> dict[str, Any]:
    whole = await assemble(begun.rest, begun.first)
    text: dict[str, Any] = {"message": {"role": "assistant", "content": whole.text}}
    if request.kind is Kind.COMPLETION:
        text = {"text": whole.text}
    return {
        "id": request.id,
        "object": "chat.completion" if request.kind is Kind.CHAT else "text_completion",
        "created": whole.created,
        "model": str(request.model),
        "choices": [{"index": 0, **text, "logprobs": None, "finish_reason": whole.finish.reason}],
        "usage": _usage(whole.finish.usage),
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }
