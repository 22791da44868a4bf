"""One answer to one request, read within its deadlines and its bounds.

Owns stalls and the decoding of small bodies. What an answer is for is its reader's.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import aiohttp

from stoker.core.clock import within
from stoker.core.errors import SourceUnsafeError, StokerError
from stoker.core.units import format_bytes
from stoker.models.download.answers import content_length
from stoker.models.download.failures import TransientError, refusal
from stoker.models.download.hops import Hop, shown
from stoker.models.download.limits import DownloadLimits, Timing

_GZIP = 16 + zlib.MAX_WBITS


class Reply:
    """An answer whose body is read piece by piece; `hop` is where it came from."""

    def __init__(
        self, response: aiohttp.ClientResponse, hop: Hop, limits: DownloadLimits, timing: Timing
    ) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self.hop = hop
        self.where = shown(hop.url)
        self.limits = limits
        self.timing = timing
        self._content = response.content
        self._fresh_bytes = 0
        self._waited_s = 0.0

    def refusal(self) -> StokerError | TransientError | None:
        """What the status means, where it is not that of an answer."""
        if self.status < 300:
            return None
        return refusal(
            self.status,
            self.where,
            retry_after=self.headers.get("Retry-After"),
            now_unix_s=self.timing.wall(),
        )

    def check(self) -> None:
        """Raise what `refusal` finds."""
        if (refused := self.refusal()) is not None:
            raise refused

    async def read(self) -> bytes:
        """The next bytes of the body; none at its end.

        Raises:
            TransientError: nothing comes any more, or the connection broke.
        """
        clock = self.timing.clock
        began = clock.now()
        left_s = self.limits.stall_s - self._waited_s
        try:
            data = await within(clock, left_s, self._content.readany())
        except TimeoutError:
            raise TransientError(
                f"{self.where} sent next to nothing for {self.limits.stall_s:g} s"
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise TransientError(f"the connection to {self.where} broke") from error
        self._fresh_bytes += len(data)
        self._waited_s += clock.now() - began  # our own work in between is no stall
        if self._fresh_bytes >= self.limits.stall_bytes_min:
            self._fresh_bytes, self._waited_s = 0, 0.0
        return data


async def read_small(reply: Reply, most_bytes: int) -> bytes:
    """A whole body, decoded where it is gzip; never more than `most_bytes` are held.

    Raises:
        SourceUnsafeError: it is longer, or encoded in a way that was not asked for.
        TransientError: it did not come whole, or not in time.
    """
    limit_s = reply.limits.small_s
    try:
        return await within(reply.timing.clock, limit_s, _read_small(reply, most_bytes))
    except TimeoutError:
        raise TransientError(f"{reply.where} took longer than {limit_s:g} s") from None


async def read_start(reply: Reply, count: int) -> bytes:
    """The first `count` bytes of a body that is not encoded, fewer where it ends; the rest stays.

    Raises:
        TransientError: they did not come, or not in time.
    """
    limit_s = reply.limits.small_s
    try:
        return await within(reply.timing.clock, limit_s, _read_start(reply, count))
    except TimeoutError:
        raise TransientError(f"{reply.where} took longer than {limit_s:g} s") from None


async def _read_start(reply: Reply, count: int) -> bytes:
    body = bytearray()
    while len(body) < count and (data := await reply.read()):
        body += data
    return bytes(body[:count])


async def _read_small(reply: Reply, most_bytes: int) -> bytes:
    if (content_length(reply.headers, reply.where) or 0) > most_bytes:
        raise _too_long(reply, most_bytes)
    decoder = _Decoder(reply)
    body = bytearray()
    while data := await reply.read():
        body += decoder.decode(data, most_bytes + 1 - len(body))
        if len(body) > most_bytes:
            raise _too_long(reply, most_bytes)
    if not decoder.is_whole:
        raise TransientError(f"{reply.where} did not send its answer whole")
    return bytes(body)


class _Decoder:
    """Decodes gzip, and no more of it than is asked for: a few bytes may stand for very many."""

    def __init__(self, reply: Reply) -> None:
        encoding = reply.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in {"", "identity", "gzip"}:
            raise SourceUnsafeError(f"{reply.where} sends {encoding[:20]!r}, not asked for")
        self._where = reply.where
        self._state = zlib.decompressobj(_GZIP) if encoding == "gzip" else None

    @property
    def is_whole(self) -> bool:
        """Whether what was encoded has come to its end."""
        return self._state is None or self._state.eof

    def decode(self, data: bytes, most_bytes: int) -> bytes:
        """At most `most_bytes` (at least 1) of what `data` stand for."""
        if self._state is None:
            return data
        try:
            return self._state.decompress(data, most_bytes)
        except zlib.error:
            raise SourceUnsafeError(f"{self._where} says gzip, and sends something else") from None


def _too_long(reply: Reply, most_bytes: int) -> SourceUnsafeError:
    return SourceUnsafeError(f"{reply.where} sends more than {format_bytes(most_bytes)}")
