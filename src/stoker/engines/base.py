"""The port that every engine's adapter fills.

An adapter is a launch line and a few translations. It starts nothing and waits for nothing:
processes belong to `workers`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from stoker.core.errors import StokerError
from stoker.core.memory import MemoryNeed
from stoker.core.plan import DeviceKind, Plan
from stoker.core.request import Request


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start an engine's process.

    `module` is run as `python -m module` inside the cage. `spec` is what it reads from its
    standard input, as one JSON line: never argv, so that no path or key shows in a process list.
    `readable` is what the process may read besides Python and the system's libraries.
    """

    module: str
    spec: Mapping[str, Any]
    readable: tuple[Path, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChildReport:
    """What a child says of itself on its standard output while it starts.

    `stage` is `started` (our code runs), `imported` (the engine's library is there), `loading`
    (with `progress` from 0 to 1) or `listening`.
    """

    stage: str
    progress: float | None = None


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One HTTP request in the engine's dialect: POST `body` (JSON) to `path`; always streaming."""

    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Passes:
    """The seconds of each pass of `tokens` tokens through the model called `name`."""

    name: str
    tokens: int
    seconds: tuple[float, ...]


class Engine(Protocol):
    """One way to run a model. Every engine answers in the OpenAI dialect over a Unix socket."""

    @property
    def name(self) -> str:
        """The engine's name in a plan."""
        ...

    @property
    def devices(self) -> frozenset[DeviceKind]:
        """Where it computes, as it is installed here: a plan for another device is refused."""
        ...

    def check(self, plan: Plan) -> None:
        """Refuse, before any process, a model that this engine cannot run.

        Raises:
            ModelFileError: the file is missing, empty, cut short or not a model.
        """
        ...

    def launch(self, plan: Plan, socket: Path) -> Launch:
        """The process that serves `plan` on the Unix socket `socket`."""
        ...

    def read_report(self, line: str) -> ChildReport | None:
        """What one line of the child's standard output reports; None if it is mere talk."""
        ...

    def dry_run(self, plan: Plan) -> Launch:
        """The process that counts the memory of `plan` without taking it, and ends.

        It reads the header alone: the plan's file may be hollow (`stoker.models.gguf.hollow`).
        """
        ...

    def read_dry_run(self, plan: Plan, line: str) -> MemoryNeed | None:
        """What one line of that process's standard output counts; None if it is mere talk.

        Weights, KV cache, compute and output, in bytes.

        Raises:
            EngineError: it cannot be counted with this version of the engine.
        """
        ...

    def throughput(self, models: Mapping[str, Path], threads: int) -> Launch:
        """The process that times passes through each of `models`, by its name, and ends.

        Raises:
            InvalidRequestError: there is no model, or no such number of threads.
        """
        ...

    def read_throughput(self, line: str) -> Passes | None:
        """The passes that one line of that process's standard output tells of; None if mere talk.

        Raises:
            LoadFailedError, EngineError: the process says why it cannot.
        """
        ...

    def explain_failure(self, plan: Plan, stderr_tail: Sequence[str]) -> StokerError:
        """Our own error for a load that failed, from the engine's last words."""
        ...

    def explain_refusal(self, status: int, body: bytes) -> StokerError:
        """Our own error for an HTTP answer that is not 200."""
        ...

    def translate(self, request: Request) -> WireRequest:
        """`request` in the engine's dialect; it asks for a stream that reports prefill."""
        ...
