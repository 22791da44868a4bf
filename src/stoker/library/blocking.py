"""The same for code that does not await: each call waits for its result on a loop of its own."""

from __future__ import annotations

import contextlib
import inspect
import threading
import weakref
from collections.abc import AsyncIterator, Generator, Iterable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from stoker.core.errors import ModelNotLoadedError, QueueFullError
from stoker.core.model import LocalModel
from stoker.core.plan import Plan
from stoker.core.request import ColdStart, Completion, Event
from stoker.library.asking import MessageLike, SamplingOptions
from stoker.library.asynchronous import AsyncLocalModelRuntime, Progress
from stoker.library.portal import Portal
from stoker.library.statistics import RuntimeStatistics
from stoker.workers.policy import CageReport

T = TypeVar("T")


def is_suspended(iterator: Generator[Any, None, None]) -> bool:
    """Whether `iterator` was begun, has not ended, and nobody is reading it now."""
    return inspect.getgeneratorstate(iterator) == inspect.GEN_SUSPENDED


class LocalModelRuntime:
    """One model in one process of its own; the arguments are `AsyncLocalModelRuntime`'s.

    Methods do the same as there and wait for the result; a runtime may be used from several
    threads. `with` loads and unloads; `async with` gives the asynchronous form.
    """

    def __init__(
        self,
        model: str = "starter",
        *,
        context: int | None = None,
        slots: int = 1,
        threads: int | None = None,
        wait_s: float = 600.0,
    ) -> None:
        self._inner = AsyncLocalModelRuntime(
            model, context=context, slots=slots, threads=threads, wait_s=wait_s
        )
        self._portal: Portal | None = None
        # Callers may be in several threads; held for an instant only.
        self._lock = threading.Lock()
        self._iterators: weakref.WeakKeyDictionary[Generator[Any, None, None], int] = (
            weakref.WeakKeyDictionary()
        )

    @property
    def model(self) -> LocalModel:
        """The model and the facts of its file."""
        return self._inner.model

    @property
    def plan(self) -> Plan:
        """How the model is run."""
        return self._inner.plan

    def load(self, on_progress: Progress | None = None) -> ColdStart:
        """See `AsyncLocalModelRuntime.load`."""
        with self._lock:
            if self._portal is None:
                self._portal = Portal()
            portal = self._portal
        try:
            return portal.call(self._inner.load(on_progress))
        except BaseException:
            self.unload()
            raise

    def unload(self) -> None:
        """See `AsyncLocalModelRuntime.unload`. Iterators that nobody is reading are closed."""
        with self._lock:
            portal, self._portal = self._portal, None
        if portal is None:
            return
        try:
            for iterator in tuple(self._iterators):
                with contextlib.suppress(ValueError):  # another thread reads it: it may end
                    iterator.close()
            portal.call(self._inner.unload())
        finally:
            portal.close()

    def stream_events(
        self, prompt: str | Sequence[MessageLike], **options: Unpack[SamplingOptions]
    ) -> Generator[Event, None, None]:
        """See `AsyncLocalModelRuntime.stream_events`."""
        return self._iterate(self._inner.stream_events(prompt, **options))

    def stream(
        self, prompt: str | Sequence[MessageLike], **options: Unpack[SamplingOptions]
    ) -> Generator[str, None, None]:
        """See `AsyncLocalModelRuntime.stream`."""
        return self._iterate(self._inner.stream(prompt, **options))

    def chat(
        self, messages: str | Sequence[MessageLike], **options: Unpack[SamplingOptions]
    ) -> Completion:
        """See `AsyncLocalModelRuntime.chat`."""
        return self._loaded().call(self._inner.chat(messages, **options))

    def generate(self, prompt: str, **options: Unpack[SamplingOptions]) -> Completion:
        """See `AsyncLocalModelRuntime.generate`."""
        return self._loaded().call(self._inner.generate(prompt, **options))

    def render(self, prompt: str | Sequence[MessageLike]) -> str:
        """See `AsyncLocalModelRuntime.render`."""
        return self._loaded().call(self._inner.render(prompt))

    def embed(self, texts: str | Iterable[str]) -> list[list[float]]:
        """See `AsyncLocalModelRuntime.embed`."""
        return self._loaded().call(self._inner.embed(texts))

    def statistics(self) -> RuntimeStatistics:
        """See `AsyncLocalModelRuntime.statistics`."""
        return self._inner.statistics()

    def cage(self) -> CageReport:
        """See `AsyncLocalModelRuntime.cage`."""
        return self._inner.cage()

    def __enter__(self) -> Self:
        self.load()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.unload()

    async def __aenter__(self) -> AsyncLocalModelRuntime:
        return await self._inner.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._inner.__aexit__(kind, error, trace)

    def _refuse_to_wait_for_ourselves(self) -> None:
        """A thread that holds every slot by answers it has not read to the end waits forever."""
        own = threading.get_ident()
        begun = [it for it, by in self._iterators.items() if by == own and is_suspended(it)]
        if len(begun) >= self._inner.plan.slots:
            raise QueueFullError(
                "This thread has not read its earlier answer to the end",
                hint="read or close that iterator first, or make the runtime with more slots",
            )

    def _iterate(self, items: AsyncIterator[T]) -> Generator[T, None, None]:
        iterator = self._loaded().iterate(items)
        self._iterators[iterator] = threading.get_ident()
        return iterator

    def _loaded(self) -> Portal:
        self._refuse_to_wait_for_ourselves()
        if self._portal is None:
            raise ModelNotLoadedError(f"{self._inner.model.ref} is not loaded")
        return self._portal
