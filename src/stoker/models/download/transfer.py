"""One file over HTTP, from its source into its part: in pieces, by as many connections as help.

Owns who fetches what and when again. One connection begins; when the source knows ranges, others
join for as long as those that there are bring little, and leave when the source wants less of us.
What an answer means is for `intake`, whether the bytes are the right ones for `fetching`.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import AsyncIterator, Iterator

from stoker.core.errors import SourceError, SourceUnsafeError, StokerError
from stoker.models.download.client import HttpClient
from stoker.models.download.events import StartedOver, Told
from stoker.models.download.failures import ChangedError, Patience, TransientError
from stoker.models.download.hashing import PrefixHasher
from stoker.models.download.hops import shown
from stoker.models.download.intake import Intake
from stoker.models.download.part import Part
from stoker.models.download.ranges import Piece, wants_another
from stoker.models.download.target import Target, Wanted

_WAYS_MAX = 2  # without If-Range, and without Range


class Transfer:
    """Brings `wanted` into `part`, and tells `hasher` how far the file is whole."""

    def __init__(
        self, client: HttpClient, wanted: Wanted, part: Part, hasher: PrefixHasher, told: Told
    ) -> None:
        self._wanted = wanted
        self._part = part
        self._told = told
        self._limits = client.limits
        self._timing = client.timing
        self._target = Target(client, wanted)
        self._intake = Intake(wanted, part, hasher, limits=client.limits, told=told)
        self._active = 0
        self._most = client.limits.connections

    async def run(self) -> int:
        """Return the file's size in bytes once all of it is in the part.

        Raises:
            SourceError: the source refuses, lies, changes the file again and again, or is away.
            ModelFileError: the file is empty, or its beginning is not that of a model.
            HomeError: there is no room, or the part cannot be written.
        """
        async with self._saving():
            for _ in range(self._limits.restarts + 1):
                try:
                    while not self._intake.is_whole:
                        await self._pass()
                except ChangedError as changed:
                    self._told(StartedOver(self._wanted.name, changed.reason))
                    self._intake.forget()
                else:
                    self._intake.moved()
                    return self._part.size or 0
        where = shown(self._wanted.url)
        raise SourceError(f"{where} changes again and again while it is fetched")

    async def _pass(self) -> None:
        """Fetch what is missing, with one connection at first."""
        self._intake.plan()
        self._active = 1
        with _first_failure():
            async with asyncio.TaskGroup() as group:
                joining = group.create_task(self._let_join(group))
                group.create_task(self._work(joining))

    async def _let_join(self, group: asyncio.TaskGroup) -> None:
        """Let further connections join for as long as that may help."""
        me = asyncio.current_task()
        await self._intake.answered.wait()
        while me is not None and self._intake.todo:
            before = self._part.ranges.covered
            await self._timing.clock.sleep(self._limits.ramp_s)
            moved = self._part.ranges.covered - before
            helps = wants_another(moved, self._limits.ramp_s, self._active, self._limits)
            if helps and self._intake.todo and self._active < self._most:
                self._active += 1
                group.create_task(self._work(me))

    async def _work(self, joining: asyncio.Task[None]) -> None:
        """Fetch piece after piece, until there is none or the source wants less of us."""
        todo = self._intake
        try:
            while todo.todo and await self._bring(heapq.heappop(todo.todo)):
                pass
        finally:
            self._active -= 1
            if not self._active:
                joining.cancel()

    async def _bring(self, piece: Piece) -> bool:
        """Fetch `piece` whole; False where it was put back and this connection is to end."""
        where, ways = shown(self._wanted.url), 0
        patience = Patience(where, self._limits, self._timing, self._told)
        while not piece.is_done:
            begun, asked = piece.at, self._intake.asking(piece)
            try:
                async with self._target.open(asked) as reply:
                    ways += not await self._intake.take(reply, piece, asked)
                if ways > _WAYS_MAX:
                    raise SourceUnsafeError(f"{where} never answers what it is asked")
            except TransientError as failure:
                if failure.busy and self._active > 1:
                    self._most = self._active - 1
                    heapq.heappush(self._intake.todo, piece)
                    return False
                moved = piece.at - begun
                await patience.wait(failure, 0 if self._intake.rewind(piece) else moved)
        return True

    @contextlib.asynccontextmanager
    async def _saving(self) -> AsyncIterator[None]:
        """Write down every few seconds how far it is, and once more at the end."""
        saver = asyncio.ensure_future(self._save_now_and_then())
        try:
            yield
        finally:
            saver.cancel()
            await asyncio.gather(saver, return_exceptions=True)
            self._part.save_now()

    async def _save_now_and_then(self) -> None:
        while True:
            await self._timing.clock.sleep(self._limits.save_every_s)
            await self._part.save()


@contextlib.contextmanager
def _first_failure() -> Iterator[None]:
    """Raise the one failure that a group of tasks ended with: ours before the room's signals."""
    try:
        yield
    except BaseExceptionGroup as group:
        failures = list(_leaves(group))
        raise next((one for one in failures if isinstance(one, StokerError)), failures[0]) from None


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for one in group.exceptions:
        if isinstance(one, BaseExceptionGroup):
            yield from _leaves(one)
        else:
            yield one
