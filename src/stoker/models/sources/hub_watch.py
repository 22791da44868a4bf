"""Bounds around the HTTP client that `huggingface_hub` shares with its whole process.

The hooks act only within `watched`, on the thread that is in it: a program that uses that library
for itself notices nothing. Owns the deadline, the bytes that are read, where requests may go, and
that none of them reports on this machine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpx

from stoker.core.errors import SourceUnreachableError, SourceUnsafeError

ANSWER_BYTES_MAX = 16 << 20


class Watch:
    """What one look at the hub may cost, and where it may go: to the origin of `endpoint`."""

    def __init__(self, endpoint: str, wait_s: float, step_s: float) -> None:
        self._origin = _origin(httpx.URL(endpoint))
        self._end = time.monotonic() + wait_s
        self._step_s = step_s
        self._left_bytes = ANSWER_BYTES_MAX

    def leave(self, request: httpx.Request) -> None:
        """Check and bound a request that is about to leave.

        Raises:
            SourceUnsafeError: it would go elsewhere, perhaps with the token, or asks for something
                other than models (the library asks which programs it should tell the hub about).
            SourceUnreachableError: the time is up.
        """
        if _origin(request.url) != self._origin:
            raise SourceUnsafeError(
                f"Hugging Face's hub sends us on to another host, {request.url.host}",
                hint="set HF_ENDPOINT to that address if you trust it",
            )
        if "/api/models/" not in request.url.path:
            raise SourceUnsafeError("Hugging Face's hub is asked for models only")
        left_s = self._check_time()
        steps = ("connect", "read", "write", "pool")
        request.extensions["timeout"] = dict.fromkeys(steps, min(self._step_s, left_s))
        request.headers["Accept-Encoding"] = "identity"
        request.headers["User-Agent"] = "stoker"

    def arrive(self, response: httpx.Response) -> None:
        """Bound the answer whose headers have come.

        Raises:
            SourceUnsafeError: it is compressed, so that its length says nothing.
        """
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise SourceUnsafeError("Hugging Face's hub sends a compressed answer, not asked for")
        stream = response.stream
        if isinstance(stream, httpx.SyncByteStream):
            response.stream = _Bounded(stream, self)

    def count(self, length: int) -> None:
        """Count `length` bytes that came.

        Raises:
            SourceUnsafeError: there were too many.
            SourceUnreachableError: they came too slowly.
        """
        self._left_bytes -= length
        if self._left_bytes < 0:
            raise SourceUnsafeError(
                f"Hugging Face's hub answers with more than {ANSWER_BYTES_MAX} bytes"
            )
        self._check_time()

    def _check_time(self) -> float:
        left_s = self._end - time.monotonic()
        if left_s <= 0:
            raise SourceUnreachableError("Hugging Face's hub did not answer in time")
        return left_s


class _Bounded(httpx.SyncByteStream):
    """An answer's bytes, counted."""

    def __init__(self, inner: httpx.SyncByteStream, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._inner:
            self._watch.count(len(piece))
            yield piece

    def close(self) -> None:
        self._inner.close()


_watch: ContextVar[Watch | None] = ContextVar("hub_watch", default=None)


@contextmanager
def watched(session: httpx.Client, watch: Watch) -> Iterator[None]:
    """Hold every request of this thread through `session` to `watch`, for the length of a block."""
    _hook(session)
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


def _hook(session: httpx.Client) -> None:
    hooks = session.event_hooks
    if _leaving not in hooks["request"]:
        session.event_hooks = {
            "request": [*hooks["request"], _leaving],
            "response": [*hooks["response"], _arriving],
        }


def _leaving(request: httpx.Request) -> None:
    if (watch := _watch.get()) is not None:
        watch.leave(request)


def _arriving(response: httpx.Response) -> None:
    if (watch := _watch.get()) is not None:
        watch.arrive(response)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
