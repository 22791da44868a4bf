"""One model in one process of its own, for code that awaits.

The process is the same caged worker that the service uses.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self, Unpack

from stoker.core.bounds import check_task, checked
from stoker.core.clock import Clock, SystemClock
from stoker.core.errors import (
    ModelNotLoadedError,
    QueueFullError,
    QueueTimeoutError,
    WorkerLostError,
)
from stoker.core.model import LocalModel
from stoker.core.plan import Plan
from stoker.core.request import ColdStart, Completion, Event, Finish, Kind, Request, Text
from stoker.engines.openai_wire import assemble
from stoker.engines.registry import engine_version, find_engine
from stoker.library.asking import MessageLike, SamplingOptions, new_id, to_request
from stoker.library.statistics import RuntimeStatistics, Tally
from stoker.machine.facts import read_machine
from stoker.machine.measured.conditions import mark_here
from stoker.models.catalogue import find_model
from stoker.models.storing.store import Store
from stoker.planning.defaults import Wishes, make_plan
from stoker.state.home import Home
from stoker.state.measurements import MeasurementLog
from stoker.workers.policy import CageReport
from stoker.workers.worker import Worker

Progress = Callable[[float], None]
# How long the end of a lost process may take to be noticed.
NOTICED_S = 5.0
# Callers that may wait for a slot of one runtime; each is a task of the caller's own program.
WAITING_MAX = 1024


class AsyncLocalModelRuntime:
    """One model in one process of its own, for code that awaits.

    Args:
        model: `starter`, or the path of a GGUF file.
        context: tokens of each slot's context; by default what the model was trained for, at
            most 4096.
        slots: answers at a time; further ones wait for their turn.
        threads: processor threads; by default the physical cores this process may use.
        wait_s: how long a request may wait for a free slot.

    Raises:
        ModelNotFoundError, ModelFileError, NotEnoughMemoryError: before anything is started.
    """

    def __init__(  # noqa: PLR0913 - one keyword for each wish
        self,
        model: str = "starter",
        *,
        context: int | None = None,
        slots: int = 1,
        threads: int | None = None,
        wait_s: float = 600.0,
        clock: Clock | None = None,
    ) -> None:
        self._plan = plan_for(model, context, slots, threads)
        self._clock = clock or SystemClock()
        self._wait_s = wait_s
        self._slots = asyncio.Semaphore(self._plan.slots)
        self._waiting = 0
        self._loading = asyncio.Lock()
        self._worker: Worker | None = None
        self._cold: ColdStart | None = None
        self._tally = Tally()

    @property
    def model(self) -> LocalModel:
        """The model and the facts of its file."""
        return self._plan.model

    @property
    def plan(self) -> Plan:
        """How the model is run."""
        return self._plan

    async def load(self, on_progress: Progress | None = None) -> ColdStart:
        """Start the process and load the model; does nothing if that was done.

        Returns:
            The parts of the start. `on_progress` is called with 0 to 1 while the model is read.

        Raises:
            ModelFileError, NotEnoughMemoryError, WorkerError: what stands in the way.
        """
        async with self._loading:
            if self._worker is not None and self._cold is not None and self._worker.is_up:
                return self._cold
            worker = self._worker = self._new_worker()
            try:
                self._cold = await worker.start(on_progress)
            except BaseException:
                self._worker = None
                raise
            return self._cold

    async def unload(self) -> None:
        """Let answers in flight end, stop the process, free the memory; safe to call twice.

        A load that is under way ends with `ModelNotLoadedError`.
        """
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.stop()

    async def stream_events(
        self, prompt: str | Sequence[MessageLike], **options: Unpack[SamplingOptions]
    ) -> AsyncGenerator[Event, None]:
        """The answer to a prompt or a conversation as events: prefill, text, finish.

        Raises:
            CannotGenerateError, ModelNotLoadedError, ContextOverflowError, WorkerLostError,
            QueueFullError, QueueTimeoutError.
        """
        request = to_request(self._plan.model, prompt, options)
        began = self._clock.now()
        first: float | None = None
        async with self._slot() as worker, aclosing(worker.events(request)) as events:
            async for event in events:
                if first is None and isinstance(event, Text):
                    first = self._clock.now() - began
                if isinstance(event, Finish):
                    self._tally.add(event, first or self._clock.now() - began)
                yield event

    async def stream(
        self, prompt: str | Sequence[MessageLike], **options: Unpack[SamplingOptions]
    ) -> AsyncGenerator[str, None]:
        """The answer's text, piece by piece; errors as `stream_events`."""
        async with aclosing(self.stream_events(prompt, **options)) as events:
            async for event in events:
                if isinstance(event, Text):
                    yield event.text

    async def chat(
        self, messages: str | Sequence[MessageLike], **options: Unpack[SamplingOptions]
    ) -> Completion:
        """The whole answer to a conversation (or one user's message); errors as `stream_events`."""
        request = to_request(self._plan.model, messages, options)
        began = self._clock.now()
        first_s: list[float] = []
        async with self._slot() as worker, worker.open(request) as stream:
            whole = await assemble(
                stream, on_text=lambda: first_s.append(self._clock.now() - began)
            )
        finish = whole.finish
        first_token_s = first_s[0] if first_s else self._clock.now() - began
        self._tally.add(finish, first_token_s)
        return Completion(
            text=whole.text,
            finish_reason=finish.reason,
            usage=finish.usage,
            timings=finish.timings,
            first_token_s=first_token_s,
        )

    async def generate(self, prompt: str, **options: Unpack[SamplingOptions]) -> Completion:
        """The whole answer to one prompt, through the model's chat template where it has one."""
        return await self.chat(prompt, **options)

    async def render(self, prompt: str | Sequence[MessageLike]) -> str:
        """The text that the model would be given: `prompt` in its chat template, if it has one.

        Raises:
            InvalidRequestError: the template refuses the conversation.
        """
        request = to_request(self._plan.model, prompt, {})
        if request.kind is Kind.COMPLETION:
            return request.inputs[0]
        asked = replace(request, kind=Kind.RENDER)
        async with self._slot() as worker, worker.open(asked) as chunks:
            answer = json.loads(b"".join([chunk async for chunk in chunks]))
        return str(answer["prompt"])

    async def embed(self, texts: str | Iterable[str]) -> list[list[float]]:
        """One vector for each text, in order.

        Raises:
            CannotEmbedError: the model is not made for it.
            ContextOverflowError: a text is longer than the model's context.
            InvalidRequestError: there is no text, or one that no engine can take.
        """
        check_task(Kind.EMBEDDING, self._plan.model)
        inputs = (texts,) if isinstance(texts, str) else tuple(texts)
        request = checked(Request(new_id(), self.model.ref, Kind.EMBEDDING, inputs=inputs))
        async with self._slot() as worker, worker.open(request) as chunks:
            answer = json.loads(b"".join([chunk async for chunk in chunks]))
        rows = sorted(answer["data"], key=lambda row: row["index"])
        return [row["embedding"] for row in rows]

    def statistics(self) -> RuntimeStatistics:
        """What this runtime has seen so far; a copy."""
        worker = self._worker.statistics() if self._worker is not None else None
        tally = self._tally
        return RuntimeStatistics(
            model=str(self._plan.model.ref),
            state=worker.state.value if worker else "cold",
            pid=worker.pid if worker else None,
            cold_start=self._cold,
            memory_bytes=worker.memory_bytes if worker else None,
            memory_peak_bytes=worker.memory_peak_bytes if worker else None,
            answers=tally.answers,
            prompt_tokens=tally.prompt_tokens,
            completion_tokens=tally.completion_tokens,
            first_token_s=tally.first_token_s,
            prefill_tok_s=tally.prefill_tok_s,
            decode_tok_s=tally.decode_tok_s,
        )

    def cage(self) -> CageReport:
        """What keeps the model's process from the rest of the machine.

        Raises:
            ModelNotLoadedError: there is no process.
        """
        report = self._worker.statistics().cage if self._worker is not None else None
        if report is None:
            raise ModelNotLoadedError(f"{self._plan.model.ref} is not loaded")
        return report

    async def __aenter__(self) -> Self:
        await self.load()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.unload()

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[Worker]:
        if self._worker is None:
            raise ModelNotLoadedError(f"{self._plan.model.ref} is not loaded")
        await self._wait_for_slot()
        try:
            if self._worker is None:
                raise ModelNotLoadedError(f"{self._plan.model.ref} was unloaded")
            worker = self._worker
            try:
                yield worker
            except WorkerLostError:
                # Its end is noticed a moment later; a `load` after this error starts another one.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(worker.wait_ended(), NOTICED_S)
                raise
        finally:
            self._slots.release()

    async def _wait_for_slot(self) -> None:
        if self._waiting >= WAITING_MAX:
            raise QueueFullError(f"{self._waiting} requests already wait for {self.model.ref}")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await self._slots.acquire()
        except TimeoutError:
            raise QueueTimeoutError from None
        finally:
            self._waiting -= 1

    def _new_worker(self) -> Worker:
        home = Home.find().prepare()
        engine = find_engine(self._plan.engine)
        keep = Store(home.models).hold_path(self._plan.model.path)
        return Worker(
            self._plan,
            engine,
            directory=home.workers,
            clock=self._clock,
            keep=keep,
            recorder=MeasurementLog(
                home.measurements, conditions=lambda: mark_here(engine_version())
            ),
        )


def plan_for(model: str, context: int | None, slots: int, threads: int | None) -> Plan:
    """The plan for the model that a caller names; errors as the constructor's."""
    wishes = Wishes(context=context, slots=slots, threads=threads)
    return make_plan(
        find_model(model, Store(Home.find().models)), read_machine(), wishes, slots_default=1
    )
