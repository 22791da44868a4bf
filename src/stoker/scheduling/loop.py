"""The one owner of who holds a slot and who waits for one.

Every change of the state is one short synchronous step on the event loop; starting and stopping
run beside it, and their results come back as further steps. No locks, because nobody else
touches the state.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic

from stoker.core.clock import Clock, within
from stoker.core.errors import (
    DrainingError,
    ModelNotFoundError,
    QueueFullError,
    QueueTimeoutError,
    StokerError,
    WorkerError,
)
from stoker.core.model import ModelRef
from stoker.scheduling import policy
from stoker.scheduling.policy import Admission, Occupancy
from stoker.scheduling.ports import B, Starter


@dataclass(frozen=True, slots=True)
class Capacity:
    """One model's `slots`, and how many requests may wait for them, at most `wait_s` each."""

    slots: int
    queue_max: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class Lease(Generic[B]):
    """The right to use one slot of `backend`."""

    model: ModelRef
    backend: B


@dataclass(slots=True, eq=False)
class _Seat(Generic[B]):
    """All that is known of one model."""

    model: ModelRef
    capacity: Capacity
    backend: B | None = None
    leaving: B | None = None
    starting: bool = False
    failed: bool = False
    busy: int = 0
    failures: int = 0
    waiting: deque[asyncio.Future[Lease[B]]] = field(default_factory=deque)

    def occupancy(self) -> Occupancy:
        return Occupancy(
            slots=self.capacity.slots,
            busy=self.busy,
            waiting=len(self.waiting),
            queue_max=self.capacity.queue_max,
            ready=self.backend is not None,
        )


@dataclass(frozen=True, slots=True)
class SeatView(Generic[B]):
    """One model as others may see it: a copy that nobody decides from."""

    model: ModelRef
    backend: B | None
    starting: bool
    failed: bool
    occupancy: Occupancy


class Scheduler(Generic[B]):
    """Gives out slots of models, starting a model when it is first asked for.

    Must be made, used and closed on one event loop.
    """

    def __init__(
        self, models: Mapping[ModelRef, Capacity], starter: Starter[B], clock: Clock
    ) -> None:
        self._seats: dict[ModelRef, _Seat[B]] = {m: _Seat(m, c) for m, c in models.items()}
        self._starter = starter
        self._clock = clock
        self.draining = False
        self._leases = 0
        self._idle = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def lease(self, model: ModelRef) -> AsyncIterator[Lease[B]]:
        """A slot of `model`, given back at the end of the block, whatever ends it.

        Raises:
            ModelNotFoundError, QueueFullError, QueueTimeoutError, DrainingError; or why the
            model could not be started.
        """
        seat = self._seat(model)
        lease = await self._wait_for_turn(seat, self._ask(seat))
        try:
            yield lease
        finally:
            self._release(seat, lease)

    def warm(self, models: Iterable[ModelRef]) -> None:
        """Begin to start `models` before anybody asks."""
        for model in models:
            self._ensure_started(self._seat(model))

    def view(self) -> tuple[SeatView[B], ...]:
        """What is resident, busy and waiting now."""
        return tuple(
            SeatView(seat.model, seat.backend, seat.starting, seat.failed, seat.occupancy())
            for seat in self._seats.values()
        )

    async def unload(self, model: ModelRef) -> bool:
        """Stop `model`'s backend when its leases have ended; False if it was not loaded.

        Requests that wait for it start it again.
        """
        seat = self._seat(model)
        backend = seat.backend
        if backend is None:
            return False
        # Until it is gone nothing is started in its place: the model is never in memory twice.
        seat.backend, seat.leaving, seat.busy = None, backend, 0
        try:
            await backend.stop()
        finally:
            seat.leaving = None
            if seat.waiting:
                self._ensure_started(seat)
        return True

    async def drain(self, deadline_s: float) -> None:
        """Take nothing new, let what runs and waits end within `deadline_s`, stop the rest."""
        self.draining = True
        self._note_idle()
        try:
            await within(self._clock, deadline_s, self._wait_idle())
        except TimeoutError:
            self._fail_waiting(DrainingError())
        for task in tuple(self._tasks):
            task.cancel()
        # The time to drain is over, or nothing is in flight: no backend gets time of its own.
        await asyncio.gather(*(backend.stop(drain_s=0) for backend in self._backends()))
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _backends(self) -> list[B]:
        both = ((seat.backend, seat.leaving) for seat in self._seats.values())
        return [backend for pair in both for backend in pair if backend is not None]

    # Steps: each runs to its end without waiting.

    def _ask(self, seat: _Seat[B]) -> asyncio.Future[Lease[B]]:
        if self.draining:
            raise DrainingError
        turn: asyncio.Future[Lease[B]] = asyncio.get_running_loop().create_future()
        verdict = policy.admit(seat.occupancy())
        if verdict is Admission.REFUSE:
            raise QueueFullError(f"{len(seat.waiting)} requests already wait for {seat.model}")
        seat.waiting.append(turn)
        if verdict is Admission.GRANT:
            self._grant(seat)
        else:
            self._ensure_started(seat)
        return turn

    def _grant(self, seat: _Seat[B]) -> None:
        for _ in range(policy.grants(seat.occupancy())):
            backend, turn = seat.backend, seat.waiting.popleft()
            assert backend is not None  # noqa: S101 - policy grants only where a backend stands
            seat.busy += 1
            self._leases += 1
            turn.set_result(Lease(seat.model, backend))

    def _release(self, seat: _Seat[B], lease: Lease[B]) -> None:
        self._leases -= 1
        # A lease of a backend that has since gone holds no slot of the one that stands now.
        if lease.backend is seat.backend:
            seat.busy -= 1
            self._grant(seat)
        self._note_idle()

    def _leave(self, seat: _Seat[B], turn: asyncio.Future[Lease[B]]) -> None:
        if turn in seat.waiting:
            seat.waiting.remove(turn)
        elif turn.done() and not turn.cancelled() and turn.exception() is None:
            self._release(seat, turn.result())
        self._note_idle()

    def _started(self, seat: _Seat[B], backend: B) -> None:
        seat.starting, seat.failed, seat.backend, seat.busy = False, False, backend, 0
        self._spawn(self._watch(seat, backend))
        self._grant(seat)

    def _failed(self, seat: _Seat[B], error: StokerError) -> None:
        # A process that failed may well start next time; a file stays as it is.
        seat.starting, seat.failed = False, not isinstance(error, WorkerError)
        if isinstance(error, WorkerError):  # what is wrong with a file does not heal by waiting
            seat.failures += 1
        for turn in seat.waiting:
            turn.set_exception(error)
        seat.waiting.clear()
        self._note_idle()

    def _ended(self, seat: _Seat[B], backend: B, error: StokerError | None) -> None:
        if seat.backend is not backend:
            return
        seat.backend, seat.busy = None, 0
        if error is not None:
            seat.failures += 1
        if error is not None or seat.waiting:
            self._ensure_started(seat)
        self._note_idle()

    def answered(self, model: ModelRef) -> None:
        """`model` gave a whole answer: its failures so far are forgiven."""
        self._seat(model).failures = 0

    def _ensure_started(self, seat: _Seat[B]) -> None:
        vacant = seat.backend is None and seat.leaving is None and not seat.starting
        if vacant and not (self.draining and not seat.waiting):
            seat.starting = True
            self._spawn(self._start(seat))

    def _fail_waiting(self, error: StokerError) -> None:
        for seat in self._seats.values():
            for turn in seat.waiting:
                turn.set_exception(error)
            seat.waiting.clear()

    def _note_idle(self) -> None:
        if self._leases == 0 and not any(seat.waiting for seat in self._seats.values()):
            self._idle.set()
        else:
            self._idle.clear()

    # Effects: each ends in one step above.

    async def _wait_idle(self) -> None:
        self._note_idle()
        await self._idle.wait()

    async def _wait_for_turn(self, seat: _Seat[B], turn: asyncio.Future[Lease[B]]) -> Lease[B]:
        if turn.done():
            return turn.result()
        try:
            return await within(self._clock, seat.capacity.wait_s, _result(turn))
        except TimeoutError:
            self._leave(seat, turn)
            raise _too_late(seat) from None
        except asyncio.CancelledError:
            self._leave(seat, turn)
            raise

    async def _start(self, seat: _Seat[B]) -> None:
        try:
            await self._clock.sleep(policy.restart_delay_s(seat.failures))
            backend = await self._starter.start(seat.model)
        except StokerError as error:
            self._failed(seat, error)
        except Exception as error:  # a defect of ours must not leave the waiting without an answer
            self._failed(seat, StokerError(f"Starting {seat.model} failed: {error!r}"))
            raise
        else:
            self._started(seat, backend)

    async def _watch(self, seat: _Seat[B], backend: B) -> None:
        self._ended(seat, backend, await backend.wait_ended())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _seat(self, model: ModelRef) -> _Seat[B]:
        try:
            return self._seats[model]
        except KeyError:
            names = ", ".join(str(ref) for ref in self._seats)
            raise ModelNotFoundError(f"There is no model {model}; there is: {names}") from None


async def _result(turn: asyncio.Future[Lease[B]]) -> Lease[B]:
    # Shielded: a deadline cancels the waiting, and `_leave` settles the turn.
    return await asyncio.shield(turn)


def _too_late(seat: _Seat[B]) -> QueueTimeoutError:
    seconds = f"{seat.capacity.wait_s:g} s"
    if seat.backend is None:
        hint = "try again: the model goes on loading"
        return QueueTimeoutError(f"{seat.model} did not load within {seconds}", hint=hint)
    return QueueTimeoutError(f"No slot of {seat.model} became free within {seconds}")
