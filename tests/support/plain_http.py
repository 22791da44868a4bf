"""The port `Http` over aiohttp, as simple as it can be: what tests of sources fetch with.

The product's client is `stoker.models.download`; it has the same methods and can take this one's
place. Redirects are followed by hand, and secrets stay with the host that they were meant for.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp

from stoker.core.errors import (
    SourceDeniedError,
    SourceError,
    SourceMissingError,
    SourceUnreachableError,
    SourceUnsafeError,
)

NONE: Mapping[str, str] = {}
REDIRECTS_MAX = 5
_ERRORS = {401: SourceDeniedError, 403: SourceDeniedError, 404: SourceMissingError}


@dataclass(frozen=True)
class PlainAnswer:
    """Status and headers."""

    status: int
    headers: Mapping[str, str]

    @property
    def state(self) -> str:
        """Its ETag, if that is strong."""
        tag = self.headers.get("ETag", "")
        return tag if tag.startswith('"') else ""

    @property
    def size_bytes(self) -> int | None:
        """The length that the server states."""
        length = self.headers.get("Content-Length")
        return int(length) if length is not None else None


class PlainHttp:
    """The port, over one session."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def get_json(
        self, url: str, *, headers: Mapping[str, str] = NONE, most_bytes: int = 1 << 20
    ) -> Any:
        data = await self.get_bytes(url, headers=headers, most_bytes=most_bytes)
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise SourceUnsafeError("The answer is not JSON") from None

    async def get_bytes(
        self, url: str, *, headers: Mapping[str, str] = NONE, most_bytes: int = 1 << 20
    ) -> bytes:
        async with self._open("GET", url, headers) as response:
            _raise_for(response)
            return await _read(response, most_bytes)

    async def read_range(
        self, url: str, offset: int, length: int, *, headers: Mapping[str, str] = NONE
    ) -> bytes:
        span = {"Range": f"bytes={offset}-{offset + length - 1}"}
        async with self._open("GET", url, {**headers, **span}) as response:
            _raise_for(response)
            if response.status != 206:
                raise SourceError("The server gives no ranges")
            return await _read(response, length)

    async def head(self, url: str, *, headers: Mapping[str, str] = NONE) -> PlainAnswer:
        async with self._open("HEAD", url, headers) as response:
            _raise_for(response)
            return PlainAnswer(response.status, response.headers.copy())

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] = NONE
    ) -> PlainAnswer:
        async with self._open(method, url, headers) as response:
            return PlainAnswer(response.status, response.headers.copy())

    @asynccontextmanager
    async def _open(
        self, method: str, url: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        for _ in range(REDIRECTS_MAX):
            try:
                response = await self._session.request(
                    method, url, headers={**headers}, allow_redirects=False
                )
            except (TimeoutError, aiohttp.ClientError) as error:
                raise SourceUnreachableError(f"{urlsplit(url).netloc}: {error}") from None
            async with response:
                if response.status not in {301, 302, 303, 307, 308}:
                    yield response
                    return
                there = urljoin(url, response.headers["Location"])
            if urlsplit(there).netloc != urlsplit(url).netloc:
                headers = {k: v for k, v in headers.items() if k.lower() != "authorization"}
            url = there
        raise SourceUnsafeError("Too many redirects")


async def _read(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    data = b""
    async for piece in response.content.iter_chunked(65536):
        data += piece
        if len(data) > most_bytes:
            raise SourceUnsafeError(f"The answer has more than {most_bytes} bytes")
    return data


def _raise_for(response: aiohttp.ClientResponse) -> None:
    if response.status >= 400:
        kind = _ERRORS.get(response.status, SourceError)
        raise kind(f"{response.url.host} answers with status {response.status}")


@asynccontextmanager
async def plain_http() -> AsyncIterator[PlainHttp]:
    """A client, for a block."""
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:
        yield PlainHttp(session)
