"""What a comparison needs of a running model; `stoker.library` has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, Unpack

from stoker.core.plan import Plan
from stoker.core.request import ColdStart, Completion
from stoker.library.asking import MessageLike, SamplingOptions
from stoker.library.asynchronous import AsyncLocalModelRuntime
from stoker.library.statistics import RuntimeStatistics


class Runtime(Protocol):
    """One model in one process; see `stoker.library.asynchronous`."""

    @property
    def plan(self) -> Plan:
        """How the model is run."""
        ...

    async def load(self) -> ColdStart:
        """Start the process; does nothing if one answers already."""
        ...

    async def unload(self) -> None:
        """End the process."""
        ...

    async def generate(self, prompt: str, **options: Unpack[SamplingOptions]) -> Completion:
        """The answer to one prompt."""
        ...

    async def chat(
        self, messages: str | Sequence[MessageLike], **options: Unpack[SamplingOptions]
    ) -> Completion:
        """The answer to a conversation."""
        ...

    async def render(self, prompt: str | Sequence[MessageLike]) -> str:
        """What the chat template makes of a conversation."""
        ...

    def statistics(self) -> RuntimeStatistics:
        """What has been seen so far."""
        ...


class MakeRuntime(Protocol):
    """Makes the runtime of the model file at `path`; nothing is started yet."""

    def __call__(
        self, path: Path, *, context: int | None, slots: int, threads: int | None
    ) -> Runtime:
        """See `make_runtime`."""
        ...


def make_runtime(
    path: Path, *, context: int | None, slots: int, threads: int | None
) -> AsyncLocalModelRuntime:
    """The library's runtime.

    Raises:
        ModelFileError, NotEnoughMemoryError, InvalidRequestError: as the library says.
    """
    return AsyncLocalModelRuntime(str(path), context=context, slots=slots, threads=threads)


Share = Callable[[float], None]
