"""The HTTP client of sources: every request of a pull leaves through here.

Owns connections, redirects (followed by hand, see `hops`), which hosts may be connected to (see
`guard`), bounded bodies, and other tries of small requests. It keeps no cookies, reads no proxy
and no password from the environment, and decodes nothing that it does not bound. The first host
that a client asks is taken for the one that the person named, so a client serves one pull.
What a file's bytes are for is left to `transfer`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp

from stoker.core.clock import within
from stoker.core.errors import (
    SourceError,
    SourceUnsafeError,
)
from stoker.core.units import MIB
from stoker.models.download.answers import (
    check_not_encoded,
    content_length,
    content_range,
    validators,
)
from stoker.models.download.connecting import Admitted, as_url, ask, translated
from stoker.models.download.events import Told, told_nobody
from stoker.models.download.failures import Patience, TransientError
from stoker.models.download.guard import Guard
from stoker.models.download.hops import REDIRECTS, Hop, first_hop, next_hop, shown
from stoker.models.download.limits import DEFAULT_LIMITS, DownloadLimits, Timing
from stoker.models.download.reply import Reply, read_small, read_start
from stoker.models.http import NO_HEADERS

JSON_BYTES_MAX = 4 * MIB
SKIPPED_BYTES_MAX = 64 * MIB  # before what is asked for, where a server gives no ranges
_PLAIN = {"Accept-Encoding": "identity"}
_SMALL = {"Accept-Encoding": "gzip, identity"}
_NO_HEAD = frozenset({400, 403, 405, 501})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Head:
    """What a server says about a file; `size_bytes` is None and `state` empty if it does not."""

    size_bytes: int | None
    state: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """Status and headers of an answer."""

    status: int
    headers: Mapping[str, str]


class HttpClient:
    """Fills the port `Http` of sources. Use it in an `async with`, for one pull."""

    def __init__(
        self,
        *,
        limits: DownloadLimits = DEFAULT_LIMITS,
        timing: Timing | None = None,
        guard: Guard | None = None,
        told: Told = told_nobody,
    ) -> None:
        self.limits = limits
        self.timing = timing or Timing()
        self._guard = guard or Guard()
        self._told = told
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open it; nothing is connected to yet."""
        connector = aiohttp.TCPConnector(
            resolver=Admitted(self._guard), use_dns_cache=False, limit=self.limits.connections + 2
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=MIB,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.limits.head_s),
            headers={"User-Agent": f"stoker/{version('stoker')}"},
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def get_json(
        self, url: str, *, headers: Mapping[str, str] = NO_HEADERS, most_bytes: int = JSON_BYTES_MAX
    ) -> Any:
        """The JSON document at `url`.

        Raises:
            SourceError: as `get_bytes`; SourceUnsafeError too where it is not JSON.
        """
        data = await self.get_bytes(url, headers=headers, most_bytes=most_bytes)
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise SourceUnsafeError(f"{shown(url)} is not JSON") from None

    async def get_bytes(
        self, url: str, *, headers: Mapping[str, str] = NO_HEADERS, most_bytes: int = JSON_BYTES_MAX
    ) -> bytes:
        """The bytes at `url`, decoded, at most `most_bytes` of them.

        Raises:
            SourceDeniedError, SourceMissingError: the source says no.
            SourceUnsafeError: it sends more, or leads where we do not follow.
            SourceUnreachableError: it cannot be reached, also not after several tries.
        """

        async def once() -> bytes:
            async with self.open(first_hop(url, headers), _SMALL) as reply:
                reply.check()
                return await read_small(reply, most_bytes)

        return await self._patiently(url, once)

    async def head(self, url: str, *, headers: Mapping[str, str] = NO_HEADERS) -> Head:
        """What the server says about `url`; nothing where it does not answer such a question.

        Raises:
            SourceError: as `get_bytes`.
        """

        async def once() -> Head:
            async with self.open(first_hop(url, headers), _PLAIN, method="HEAD") as reply:
                if reply.status in _NO_HEAD:
                    return Head(None)
                reply.check()
                state = validators(reply.headers).state
                return Head(content_length(reply.headers, shown(url)), state)

        return await self._patiently(url, once)

    async def read_range(
        self, url: str, offset: int, length: int, *, headers: Mapping[str, str] = NO_HEADERS
    ) -> bytes:
        """The `length` bytes at `url` that begin at `offset`; fewer only where the file ends.

        From a server that gives no ranges the file is read from its start, and left there.

        Raises:
            SourceError: as `get_bytes`; or no ranges are given, and `SKIPPED_BYTES_MAX` is too
                little to get there.
        """
        asked = {**_PLAIN, "Range": f"bytes={offset}-{offset + length - 1}"}

        async def once() -> bytes:
            async with self.open(first_hop(url, headers), asked) as reply:
                reply.check()
                return await _read_range(reply, offset, length)

        return await self._patiently(url, once)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] = NO_HEADERS
    ) -> Answered:
        """Status and headers of an answer, also of a refusal; `method` is GET or HEAD.

        Raises:
            SourceUnsafeError, SourceUnreachableError: as `get_bytes`.
        """

        async def once() -> Answered:
            async with self.open(first_hop(url, headers), _PLAIN, method=method) as reply:
                if (refused := reply.refusal()) and isinstance(refused, TransientError):
                    raise refused
                return Answered(reply.status, reply.headers)

        return await self._patiently(url, once)

    @contextlib.asynccontextmanager
    async def open(
        self, hop: Hop, extra: Mapping[str, str] = _PLAIN, *, method: str = "GET"
    ) -> AsyncIterator[Reply]:
        """The answer to one request, whatever its status, at the end of its redirects.

        `extra` are headers that no origin may mind.

        Raises:
            TransientError: no connection, or no answer in time.
            SourceUnsafeError: it leads where we do not follow.
        """
        for _ in range(self.limits.redirects + 1):
            async with await self._send(method, hop, extra) as response:
                if response.status not in REDIRECTS:
                    yield Reply(response, hop, self.limits, self.timing)
                    return
                hop = next_hop(hop, response.headers.get("Location"))
        raise SourceUnsafeError(
            f"{shown(hop.url)}: more than {self.limits.redirects} redirects, one after the other"
        )

    async def _send(
        self, method: str, hop: Hop, extra: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        if self._session is None or method not in {"GET", "HEAD"}:
            raise ValueError("only an open client asks, and only by GET and HEAD")
        where = shown(hop.url)
        with translated(where):
            url = as_url(hop.url)
            # The host as the connector will see it, so that nothing else can be connected to.
            await self._in_time(self._guard.admit(url.raw_host or "", url.port or 0), where)
            asked = ask(self._session, method, url, {**hop.headers, **extra})
            return await self._in_time(asked, where)

    async def _in_time(self, work: Coroutine[Any, Any, T], where: str) -> T:
        limit_s = self.limits.head_s
        try:
            return await within(self.timing.clock, limit_s, work)
        except TimeoutError:
            raise TransientError(f"{where} did not answer within {limit_s:g} s") from None

    async def _patiently(self, url: str, once: Callable[[], Awaitable[T]]) -> T:
        limits = replace(self.limits, tries=min(self.limits.tries, self.limits.small_tries))
        patience = Patience(shown(url), limits, self.timing, self._told)
        while True:
            try:
                return await once()
            except TransientError as failure:
                await patience.wait(failure)


async def _read_range(reply: Reply, offset: int, length: int) -> bytes:
    check_not_encoded(reply.headers, reply.where)
    if reply.status == 200:
        return await _read_from_start(reply, offset, length)
    if reply.status != 206:
        raise SourceError(f"{reply.where} answered {reply.status}, which is no file")
    found = content_range(reply.headers, reply.where)
    if found.start != offset or found.end > offset + length:
        raise SourceUnsafeError(f"{reply.where} sends other bytes than it was asked for")
    data = await read_small(reply, length)
    if len(data) != found.end - found.start:
        raise TransientError(f"{reply.where} did not send its answer whole")
    return data


async def _read_from_start(reply: Reply, offset: int, length: int) -> bytes:
    """The range out of a whole file's answer, of which no more is read than that."""
    if offset > SKIPPED_BYTES_MAX:
        raise SourceError(
            f"{reply.where} gives no ranges of the file", hint="pull it, and look at it then"
        )
    data = await read_start(reply, offset + length)
    told = content_length(reply.headers, reply.where)
    if len(data) < min(offset + length, told or 0):
        raise TransientError(f"{reply.where} did not send its answer whole")
    return data[offset:]
