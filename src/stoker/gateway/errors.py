"""Our errors, and everybody else's, in the shape that OpenAI clients read."""

from __future__ import annotations

import json
import logging

from aiohttp import web
from aiohttp.typedefs import Handler

from stoker.core.errors import InvalidRequestError, NotFoundError, StokerError

LOG = logging.getLogger("stoker.gateway")


@web.middleware
async def answer_in_openai_shape(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever a handler raises becomes one JSON answer; a defect of ours never shows its words."""
    try:
        return await handler(request)
    except StokerError as error:
        return respond(request, error)
    except web.HTTPException as error:
        return _respond_http(request, error)
    except ConnectionError:
        raise  # the client has gone: nobody is there to be answered
    except Exception:
        LOG.exception("unexpected error in %s %s", request.method, request.path)
        return respond(request, StokerError("An internal error", hint="see the service's log"))


def respond(request: web.Request, error: StokerError) -> web.Response:
    """`error` as an HTTP answer; it is kept on the request for the log."""
    request["error"] = error
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    response = web.json_response(body(error), status=error.http_status, headers=headers)
    if not request.content.is_eof():
        response.force_close()  # the rest of the body is not worth reading
    return response


def body(error: StokerError) -> dict[str, object]:
    """`error` as the JSON object that an OpenAI client expects."""
    param = error.param if isinstance(error, InvalidRequestError) else None
    return {
        "error": {
            "message": error.text,
            "type": error.openai_type,
            "param": param,
            "code": error.openai_code,
        }
    }


def event(error: StokerError) -> bytes:
    """`error` as one event of a stream that has begun; no `[DONE]` follows it."""
    return b"data: " + json.dumps(body(error)).encode() + b"\n\n"


def _respond_http(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    if error.status < 400:  # a redirect is not an error
        raise error
    ours: StokerError = InvalidRequestError(f"{error.reason}", hint="see the README's endpoints")
    if isinstance(error, web.HTTPNotFound):
        ours = NotFoundError("There is no such endpoint")
    response = respond(request, ours)
    response.set_status(error.status)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response
