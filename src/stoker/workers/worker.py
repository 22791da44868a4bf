"""One living engine process, from its cold start to its end.

Owns the order of things: spawn in the cage, wait for a real answer, watch the heartbeat, drain,
end. It alone decides when its process starts and stops. When to do so, and whether to try again
after a failure, is left to `scheduling`; what the bytes mean, to `engines`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from stoker.core.clock import Clock, SystemClock, within
from stoker.core.errors import (
    DrainingError,
    LoadTimeoutError,
    ModelNotLoadedError,
    StokerError,
    WorkerLostError,
)
from stoker.core.measurement import NoRecorder, Recorder
from stoker.core.plan import Plan
from stoker.core.request import ColdStart, Event, Request
from stoker.engines.base import ChildReport, Engine
from stoker.engines.openai_wire import read_events, read_figures
from stoker.workers.caged import start_caged
from stoker.workers.limits import WorkerLimits
from stoker.workers.lines import LineTail
from stoker.workers.link import EngineStream, Link
from stoker.workers.process import ChildProcess, Ears, describe_exit, memory_of
from stoker.workers.progress import bytes_from_disk, reading_told
from stoker.workers.readiness import wait_first_answer, wait_silent
from stoker.workers.reports import Reports
from stoker.workers.runtime_dir import RuntimeDirectory
from stoker.workers.state import FINAL, WorkerEvent, WorkerState, after, can
from stoker.workers.statistics import WorkerStatistics

DEFAULT_LIMITS = WorkerLimits()
_SYSTEM_CLOCK = SystemClock()


class Worker:
    """One child process that holds one loaded model. Starts once; ends stopped or failed.

    `directory` is a private folder under which the worker makes its own. `keep` is entered for as
    long as the worker has a process, and keeps the model's file from being removed. `recorder`
    hears what loads and answers took. Made and used in one running event loop, whose thread must
    outlive it (see `process`).
    """

    def __init__(  # noqa: PLR0913 - what it runs, where, and on what terms; each by its name
        self,
        plan: Plan,
        engine: Engine,
        *,
        directory: Path,
        clock: Clock = _SYSTEM_CLOCK,
        limits: WorkerLimits = DEFAULT_LIMITS,
        keep: AbstractContextManager[object] | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.plan = plan
        self._engine = engine
        self._directory = directory
        self._clock = clock
        self._limits = limits
        self._keep = keep or contextlib.nullcontext()
        self._kept = contextlib.ExitStack()
        self._recorder = recorder or NoRecorder()
        self._state = WorkerState.COLD
        self._tail = LineTail(limits.stderr_lines, limits.stderr_bytes)
        self._reports: Reports | None = None
        self._runtime: RuntimeDirectory | None = None
        self._child: ChildProcess | None = None
        self._link: Link | None = None
        self._watch: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[ColdStart] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._cold_start: ColdStart | None = None
        self._failure: StokerError | None = None
        self._busy = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._hurry = asyncio.Event()
        self._ended = asyncio.Event()
        self._on_progress: Callable[[float], None] | None = None

    @property
    def state(self) -> WorkerState:
        """Where the worker stands in its life."""
        return self._state

    @property
    def is_up(self) -> bool:
        """Whether it has a process, or is about to have one: neither stopped nor failed."""
        return self._state not in FINAL

    async def start(self, on_progress: Callable[[float], None] | None = None) -> ColdStart:
        """Bring the model up; return once it has really answered.

        `on_progress` hears how much of the model is loaded, from 0 to 1. When the caller is
        cancelled, the process is gone before the cancellation goes on.

        Raises:
            ModelFileError: the engine cannot run the file.
            LoadTimeoutError: no answer within the load deadline.
            StokerError: what the engine makes of a failed load.
            ModelNotLoadedError: `stop` was called meanwhile.
        """
        self._kept.enter_context(self._keep)
        self._to(WorkerEvent.START)
        self._on_progress = on_progress
        self._starting = asyncio.ensure_future(self._start())
        try:
            return await asyncio.shield(self._starting)
        except asyncio.CancelledError:
            if self._starting.cancelled():
                raise ModelNotLoadedError(f"{self._name} was stopped while it loaded") from None
            await _settled(asyncio.ensure_future(self._give_up_start(self._starting)))
            raise

    @contextlib.asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[EngineStream]:
        """The engine's answer to `request`, byte for byte; leaving the context cancels it.

        Raises:
            DrainingError: the worker takes no more requests.
            ModelNotLoadedError: it is not up yet, or no longer.
            WorkerLostError: the process was lost, on entry or while it is read.
            StokerError: what the engine makes of an answer that is not 200.
        """
        link = self._ready_link()
        wire = self._engine.translate(request)
        self._busy += 1
        streams = self._busy
        self._quiet.clear()
        try:
            async with link.open(wire, self._engine.explain_refusal) as stream:
                yield stream
                self._note(stream, streams)
        finally:
            self._busy -= 1
            if self._busy == 0:
                self._quiet.set()

    async def events(self, request: Request) -> AsyncGenerator[Event, None]:
        """The events of the engine's answer to `request`; the last one is a `Finish`.

        Raises as `open` does, and EngineError for a stream that is broken. Close the generator
        (`contextlib.aclosing`) to cancel the request at once.
        """
        async with self.open(request) as stream, contextlib.aclosing(_read(stream)) as events:
            async for event in events:
                yield event

    async def wait_ended(self) -> StokerError | None:
        """Why the worker failed, or None if it was stopped; once its process is gone."""
        await self._ended.wait()
        return self._failure

    async def stop(self, drain_s: float | None = None) -> None:
        """Take no more requests, wait up to `drain_s` for those in flight, end the process.

        Safe to call again; a second call with 0 cuts the draining short. Without `drain_s` the
        worker's limit holds.
        """
        if drain_s is not None and drain_s <= 0:
            self._hurry.set()
        if self._state is WorkerState.COLD:
            self._to(WorkerEvent.STOP)
            self._end()
        if self._stopping is None:
            seconds = self._limits.drain_s if drain_s is None else drain_s
            self._stopping = asyncio.ensure_future(self._stop(seconds))
        await asyncio.shield(self._stopping)

    def statistics(self) -> WorkerStatistics:
        """What can be seen of the worker now."""
        child = self._child
        running = child is not None and child.returncode is None
        resident, peak = memory_of(child.pid) if child is not None and running else (0, 0)
        status = child.returncode if child is not None else None
        return WorkerStatistics(
            state=self._state,
            pid=child.pid if child is not None and running else None,
            memory_bytes=resident,
            memory_peak_bytes=peak,
            cold_start=self._cold_start,
            busy=self._busy,
            cage=self._reports.cage if self._reports is not None else None,
            stderr_tail=self._tail.lines,
            failure=self._failure,
            exit=None if status is None else describe_exit(status),
        )

    def _note(self, stream: EngineStream, streams_first: int) -> None:
        """Tell the recorder what the engine says of a whole answer."""
        if not stream.is_whole or not self._recorder.wants(self.plan):
            return
        if figures := read_figures(stream.tail):
            self._recorder.answered(self.plan, *figures, (streams_first, self._busy))

    @property
    def _name(self) -> str:
        return str(self.plan.model.ref)

    def _to(self, event: WorkerEvent) -> None:
        self._state = after(self._state, event)

    def _ready_link(self) -> Link:
        if self._state is WorkerState.READY and self._link is not None:
            return self._link
        if self._state is WorkerState.DRAINING:
            raise DrainingError(f"{self._name} takes no more requests")
        if self._failure is not None:
            raise WorkerLostError(f"{self._name} failed: {self._failure.message}")
        raise ModelNotLoadedError(f"{self._name} is {self._state}")

    # --- the way up -------------------------------------------------------------------------

    async def _start(self) -> ColdStart:
        """`start`, in a task of its own, so that `stop` can end it too."""
        try:
            cold_start = await within(self._clock, self._limits.load_s, self._bring_up())
        except TimeoutError:
            error = LoadTimeoutError(f"{self._name} did not load in {self._limits.load_s:g} s")
            await self._fail(error)
            raise error from None
        except StokerError as error:
            await self._fail(error)
            raise
        except BaseException:  # cancelled, or a defect: no child may stay behind
            await self._end_start_that_was_cut_short()
            raise
        self._cold_start = cold_start
        self._to(WorkerEvent.ANSWER)
        disk_bytes = None if self._child is None else bytes_from_disk(self._child.pid)
        self._recorder.loaded(self.plan, cold_start, disk_bytes)
        self._watch = asyncio.ensure_future(self._watch_over())
        return cold_start

    async def _bring_up(self) -> ColdStart:
        await asyncio.to_thread(self._engine.check, self.plan)
        reports = self._reports = Reports(self._engine, self._clock, self._on_report)
        child = await self._spawn(reports)
        size = self.plan.model.facts.file_bytes
        async with reading_told(child.pid, size, self._clock, self._on_progress):
            await _first_of(reports.listening.wait(), child.wait())
        if child.returncode is not None:
            raise self._engine.explain_failure(self.plan, self._tail.lines)
        return await self._warm_up(child, reports)

    async def _spawn(self, reports: Reports) -> ChildProcess:
        runtime = self._runtime = RuntimeDirectory.make(self._directory)
        launch = self._engine.launch(self.plan, runtime.socket)
        ears = Ears(reports.take, self._tail, self._limits.report_line_bytes)
        child = await start_caged(launch, runtime.path, ears, self._limits.open_files)
        self._child = child
        return child

    async def _warm_up(self, child: ChildProcess, reports: Reports) -> ColdStart:
        connections = self.plan.slots + self._limits.spare_connections
        link = self._link = Link(
            self._socket, connections=connections, clock=self._clock, limits=self._limits
        )
        try:
            await wait_first_answer(link, self._engine, self.plan)
        except WorkerLostError:
            child.signal(signal.SIGKILL)  # it broke off its first answer: nothing to wait for
            await child.wait()
            raise self._engine.explain_failure(self.plan, self._tail.lines) from None
        return reports.cold_start()

    @property
    def _socket(self) -> Path:
        if self._runtime is None:
            raise ModelNotLoadedError(f"{self._name} has no process")
        return self._runtime.socket

    def _on_report(self, report: ChildReport) -> None:
        """Follow the child's reports; a stage that is told again is no step."""
        event = WorkerEvent.LISTEN if report.stage == "listening" else WorkerEvent.LOAD
        if report.stage in {"loading", "listening"} and can(self._state, event):
            self._to(event)
        if report.progress is not None and self._on_progress is not None:
            self._on_progress(report.progress)

    async def _give_up_start(self, starting: asyncio.Task[ColdStart]) -> None:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        if self._state is WorkerState.READY:  # it came up in the same instant
            await self.stop(drain_s=0)

    async def _end_start_that_was_cut_short(self) -> None:
        self._to(WorkerEvent.STOP)
        await _settled(asyncio.ensure_future(self._bury()))
        self._to(WorkerEvent.EXIT)
        self._end()

    # --- the watch --------------------------------------------------------------------------

    async def _watch_over(self) -> None:
        """Fail the worker when its process ends or falls silent."""
        link, child = self._link, self._child
        if link is None or child is None:
            return
        silent = asyncio.ensure_future(wait_silent(link, self._clock, self._limits))
        try:
            await _first_of(asyncio.shield(silent), child.wait())
            reason = silent.result() if silent.done() else self._died(child)
        finally:
            silent.cancel()
        await self._fail(reason)

    def _died(self, child: ChildProcess) -> WorkerLostError:
        how = describe_exit(child.returncode or 0)
        last = f"; its last words: {self._tail.lines[-1]}" if self._tail.lines else ""
        return WorkerLostError(f"the process of {self._name} {how}{last}")

    async def _fail(self, error: StokerError) -> None:
        """Become failed at once, then see that nothing of the process stays."""
        if not can(self._state, WorkerEvent.FAIL):
            return
        self._to(WorkerEvent.FAIL)
        self._failure = error
        if self._link is not None:
            self._link.abort(WorkerLostError(error.message))
        await _settled(asyncio.ensure_future(self._bury()))
        self._end()

    def _end(self) -> None:
        """Nothing is left of the process, whatever ended it."""
        self._kept.close()
        self._ended.set()

    # --- the way down -----------------------------------------------------------------------

    async def _stop(self, drain_s: float) -> None:
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
        elif self._state is WorkerState.READY:
            await self._drain(drain_s)
        await self._ended.wait()

    async def _drain(self, seconds: float) -> None:
        self._to(WorkerEvent.DRAIN)
        with contextlib.suppress(TimeoutError):
            waits = _first_of(self._quiet.wait(), self._hurry.wait(), self._ended.wait())
            await within(self._clock, seconds, waits)
        if self._state in FINAL:  # it died meanwhile
            return
        self._to(WorkerEvent.STOP)
        if self._watch is not None:
            self._watch.cancel()
        if self._link is not None:
            self._link.abort(WorkerLostError(f"{self._name} was stopped"))
        await self._terminate()
        await self._bury()
        self._to(WorkerEvent.EXIT)
        self._end()

    async def _terminate(self) -> None:
        """Ask the process to end, and give it its time."""
        if self._child is None:
            return
        self._child.signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await within(self._clock, self._limits.terminate_s, self._child.wait())

    async def _bury(self) -> None:
        """Whatever state the process is in: kill it, close the wire, remove the folder."""
        if self._child is not None:
            self._child.signal(signal.SIGKILL)
            with contextlib.suppress(TimeoutError):  # stuck in the kernel: we cannot do more
                await within(self._clock, self._limits.kill_s, self._child.wait())
        if self._link is not None:
            await self._link.close()
        if self._runtime is not None:
            self._runtime.close()


async def _read(stream: EngineStream) -> AsyncGenerator[Event, None]:
    async for event in read_events(stream):
        yield event


async def _first_of(*awaitables: Awaitable[Any]) -> None:
    """Return once one of the awaitables is done; the others are cancelled."""
    tasks = [asyncio.ensure_future(one) for one in awaitables]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _settled(task: asyncio.Task[Any]) -> None:
    """Return once `task` is done, however often we are cancelled meanwhile."""
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({task})
