"""`POST /v1/completions`."""

from __future__ import annotations

from aiohttp import web

from stoker.core.bounds import checked
from stoker.core.model import ModelRef
from stoker.core.request import Kind, Request
from stoker.gateway.openai import answers, schema


async def create(http: web.Request) -> web.StreamResponse:
    """Continue a text."""
    body = schema.read(schema.CompletionBody, await http.read())
    return await answers.respond(http, to_request(http["id"], body), stream=bool(body.stream))


def to_request(request_id: str, body: schema.CompletionBody) -> Request:
    """`body` in no dialect.

    Raises:
        InvalidRequestError: fields that contradict each other, or not a model's name.
    """
    answers.check_stream_options(body)
    return checked(
        Request(
            id=f"cmpl-{request_id}",
            model=ModelRef.parse(body.model),
            kind=Kind.COMPLETION,
            inputs=(body.prompt,),
            sampling=body.sampling(),
            include_usage=body.include_usage,
        )
    )
