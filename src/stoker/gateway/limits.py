"""How much, and for how long: bounds on the body. Those on connections lie in `protocol`."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, PayloadEncodingError
from aiohttp.typedefs import Handler

from stoker.core.errors import InvalidRequestError, PayloadTooLargeError
from stoker.core.units import format_bytes
from stoker.gateway.service import SERVICE


@web.middleware
async def read_body(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read the whole body before the handler runs: within the limit, within the deadline.

    Raises:
        PayloadTooLargeError: before a byte is read where the length is announced.
        InvalidRequestError: the body did not come in time, or not in the form announced.
    """
    policy = request.app[SERVICE].policy
    if (request.content_length or 0) > policy.body_bytes_max:
        raise _too_large(policy.body_bytes_max)
    try:
        async with asyncio.timeout(policy.body_s):
            await request.read()  # aiohttp keeps it; handlers read it again from memory
    except web.HTTPRequestEntityTooLarge:
        raise _too_large(policy.body_bytes_max) from None
    except (web.RequestPayloadError, PayloadEncodingError, BadHttpMessage):
        raise InvalidRequestError("The body is not framed as its head says") from None
    except TimeoutError:
        raise InvalidRequestError(
            f"The body did not come within {policy.body_s:g} s", hint="send it at once"
        ) from None
    return await handler(request)


def _too_large(most: int) -> PayloadTooLargeError:
    return PayloadTooLargeError(f"The request body is larger than {format_bytes(most)}")
