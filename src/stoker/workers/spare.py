"""A connection to the engine that is open before anybody needs it.

The engine's accepting and handing over to a thread of its own takes as long as most of what the
gateway does for a request; so it is done between requests. Owns that one idle connection and its
age: an engine hangs up on a silent one, so it is only used while it is young.
"""

from __future__ import annotations

import asyncio

from stoker.core.clock import Clock
from stoker.workers.wire import Exchange, WireError, connect

# llama.cpp's server hangs up after 5 s of silence; the heartbeat renews the spare every 2 s.
AGE_S_MAX = 4.0


class Spare:
    """At most one idle connection to the Unix socket `path`."""

    def __init__(self, path: str, clock: Clock, connect_s: float) -> None:
        self._path = path
        self._clock = clock
        self._connect_s = connect_s
        self._idle: Exchange | None = None
        self._opened_at = 0.0
        self._opening: asyncio.Task[None] | None = None
        self._closed = False

    def take(self) -> Exchange | None:
        """The idle connection, which is the caller's from now on; None if there is none to use."""
        if self._idle is not None and not self._is_fresh():
            self._drop()
        taken, self._idle = self._idle, None
        return taken

    def refill(self) -> None:
        """Begin to open a connection where there is no young one; returns at once."""
        if self._closed or self._opening is not None or self._is_fresh():
            return
        self._drop()
        self._opening = asyncio.ensure_future(self._open())

    async def wait_opened(self) -> None:
        """Return once the opening that `refill` began has ended, well or not."""
        if self._opening is not None:
            await asyncio.wait({self._opening})

    def close(self) -> None:
        """Let go of it, for good."""
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        self._drop()

    def _is_fresh(self) -> bool:
        age_s = self._clock.now() - self._opened_at
        return self._idle is not None and self._idle.is_open and age_s < AGE_S_MAX

    def _drop(self) -> None:
        if self._idle is not None:
            self._idle.close()
            self._idle = None

    async def _open(self) -> None:
        try:
            self._idle = await connect(self._path, self._connect_s, self._clock)
            self._opened_at = self._clock.now()
        except (WireError, OSError):  # TimeoutError is an OSError; who asks next will find out
            self._idle = None
        finally:
            self._opening = None
