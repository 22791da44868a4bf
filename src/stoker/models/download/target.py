"""What is wanted, and where it is asked for."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from stoker.models.download.client import HttpClient
from stoker.models.download.hops import Hop, first_hop
from stoker.models.download.reply import Reply
from stoker.models.http import NO_HEADERS, Authorize

_UNAUTHORIZED = 401
_EXPIRED = frozenset({401, 403, 404, 410})


def _anything(_start: bytes) -> None:
    """Accept every beginning of a file."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch. `check_start` sees its first bytes early, and raises what is wrong.

    `headers` and `authorize` are those of `Offered`.
    """

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS, repr=False)
    size_bytes: int | None = None
    digest: str | None = None
    check_start: Callable[[bytes], None] = _anything
    authorize: Authorize | None = field(default=None, repr=False)


class Target:
    """A file's address, and where its redirects led last: asked first, for as long as it lasts."""

    def __init__(self, client: HttpClient, wanted: Wanted) -> None:
        self._client = client
        self._first = first_hop(wanted.url, wanted.headers)
        self._last: Hop | None = None
        self._authorize = wanted.authorize

    @contextlib.asynccontextmanager
    async def open(self, extra: Mapping[str, str]) -> AsyncIterator[Reply]:
        """The answer to one request, as `HttpClient.open` gives it.

        Raises:
            SourceError: what let us in does so no more.
        """
        if self._last is not None:
            async with self._client.open(self._last, extra) as reply:
                if reply.status not in _EXPIRED:
                    yield reply
                    return
            self._last = None
        first = self._first
        async with self._client.open(first, extra) as reply:
            if reply.status != _UNAUTHORIZED or self._authorize is None:
                yield self._noted(reply)
                return
        self._first = Hop(first.url, await self._authorize())
        async with self._client.open(self._first, extra) as reply:
            yield self._noted(reply)

    def _noted(self, reply: Reply) -> Reply:
        if reply.status in {200, 206}:
            self._last = reply.hop
        return reply
