"""What the loop needs from below: something that starts and stops the process behind a model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from stoker.core.errors import StokerError
from stoker.core.model import ModelRef
from stoker.core.request import Request


class AnswerStream(Protocol):
    """A backend's answer as raw bytes: iterated over, or poured out."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces as they come."""
        ...

    async def pour(self, sink: Callable[[bytes], bool]) -> bool:
        """Give each further piece to `sink`; True at the end, False once `sink` is full."""
        ...


class Backend(Protocol):
    """A loaded model that answers: a worker, or whatever stands in for one."""

    def open(self, request: Request) -> AbstractAsyncContextManager[AnswerStream]:
        """The engine's answer to `request`, as raw bytes."""
        ...

    async def wait_ended(self) -> StokerError | None:
        """Return when this backend is gone: the reason, or None if it was stopped on purpose."""
        ...

    async def stop(self, drain_s: float | None = None) -> None:
        """Let go of the model; answers in flight may go on for `drain_s`, or its own limit."""
        ...


B = TypeVar("B", bound=Backend)
B_co = TypeVar("B_co", bound=Backend, covariant=True)


class Starter(Protocol[B_co]):
    """The one effects port of scheduling."""

    async def start(self, model: ModelRef) -> B_co:
        """A backend that has answered.

        Raises:
            StokerError: it could not be started; the caller tells those who wait.
        """
        ...
