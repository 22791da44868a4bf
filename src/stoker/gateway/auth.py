"""Who is this? The Host allow-list, and the API key."""

from __future__ import annotations

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler

from stoker.core.errors import HostRefusedError, MissingKeyError
from stoker.gateway.service import SERVICE

_OPEN_PATHS = frozenset({"/healthz", "/readyz"})


@web.middleware
async def check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse names that are not ours.

    A page in a browser must not reach us from another site, nor by rebinding DNS.

    Raises:
        HostRefusedError: the Host header names another host.
    """
    hosts = request.app[SERVICE].policy.hosts
    if host_name(request.headers.get("Host", "")) not in hosts:
        raise HostRefusedError
    origin = request.headers.get("Origin")
    if origin is not None and host_name(origin.partition("://")[2]) not in hosts:
        raise HostRefusedError("The Origin header names a page of another host")
    return await handler(request)


@web.middleware
async def check_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ask for the key where there is one, except for the health of the process.

    Raises:
        MissingKeyError: no key, or not ours.
    """
    key = request.app[SERVICE].policy.key
    if key is not None and request.path not in _OPEN_PATHS:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(errors="replace"), key.encode()):
            raise MissingKeyError
    return await handler(request)


def host_name(header: str) -> str:
    """The host of a Host header without its port, in lower case; `[::1]:80` gives `::1`."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()
