"""A clock that a test turns by hand, so that no test waits for time.

Fills `stoker.core.clock.Clock`. Knows nothing of what sleeps on it.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools

_SETTLE_ROUNDS = 10


class ManualClock:
    """A monotonic clock in seconds that stands still until `advance` is awaited."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()

    def now(self) -> float:
        """The present instant in seconds."""
        return self._now

    @property
    def sleepers(self) -> int:
        """How many tasks sleep on this clock."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def sleep(self, seconds: float) -> None:
        """Return once the clock was advanced by `seconds`; at once for 0 or less."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), future))
        self._arrived.set()
        try:
            await future
        finally:
            future.cancel()

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass: wake each sleeper at its own instant, in order of deadlines.

        Between two instants the woken tasks run, so that a loop which sleeps again within
        `seconds` is woken again.

        Raises:
            ValueError: `seconds` is negative; a monotonic clock never goes back.
        """
        if seconds < 0:
            raise ValueError("a monotonic clock never goes back")
        target = self._now + seconds
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            deadline, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                self._now = deadline
                future.set_result(None)
                await _settle()
        self._now = target

    async def wait_sleepers(self, count: int = 1) -> None:
        """Return once at least `count` tasks sleep on this clock."""
        while self.sleepers < count:
            self._arrived.clear()
            await self._arrived.wait()


async def _settle() -> None:
    """Let every task that can run do so, as far as a few turns of the loop carry it."""
    for _ in range(_SETTLE_ROUNDS):
        await asyncio.sleep(0)
