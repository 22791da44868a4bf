"""The engine port, filled for llama.cpp: a launch line and a few translations.

Importing it is cheap; the engine's library is imported by the child process alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from stoker.core.errors import StokerError
from stoker.core.memory import MemoryNeed
from stoker.core.plan import DeviceKind, Plan
from stoker.core.request import Request
from stoker.engines.base import ChildReport, Launch, Passes, WireRequest
from stoker.engines.llamacpp import dry_run, failures, reports, throughput, translate
from stoker.engines.llamacpp.spec import child_spec
from stoker.models.facts import read_facts
from stoker.models.gguf.parts import paths_of

_CHILD = "stoker.engines.llamacpp.child"
# An abort would otherwise start a debugger on the crashed process.
_ENVIRONMENT = {"GGML_NO_BACKTRACE": "1"}


class LlamaCppEngine:
    """llama.cpp in a child process, by the wheel `xllamacpp`."""

    @property
    def name(self) -> str:
        """`llamacpp`."""
        return "llamacpp"

    @property
    def devices(self) -> frozenset[DeviceKind]:
        """The processor alone: `spec` leaves no layer to anything else."""
        return frozenset({DeviceKind.CPU})

    def check(self, plan: Plan) -> None:
        """Read the model's header again: the file may have changed since the plan was made.

        Raises:
            ModelFileError: the file is missing, empty, cut short, not a model, or a vocabulary.
        """
        read_facts(plan.model.path)

    def launch(self, plan: Plan, socket: Path) -> Launch:
        """The child that serves `plan` on `socket`; it may read the model's files and no others.

        Raises:
            InvalidRequestError: a count of the plan is below 1.
        """
        return Launch(_CHILD, child_spec(plan, socket), paths_of(plan.model.path), _ENVIRONMENT)

    def read_report(self, line: str) -> ChildReport | None:
        """What one line of the child's standard output reports; None if it is mere talk."""
        return reports.read_report(line)

    def dry_run(self, plan: Plan) -> Launch:
        """The child that counts, in the engine itself and with the worker's own parameters.

        Raises:
            InvalidRequestError: a count of the plan is below 1.
        """
        return dry_run.launch_dry_run(plan)

    def read_dry_run(self, plan: Plan, line: str) -> MemoryNeed | None:
        """What one line of that child's standard output counts; None if it is mere talk."""
        return dry_run.read_dry_run(plan, line)

    def throughput(self, models: Mapping[str, Path], threads: int) -> Launch:
        """The child that multiplies with models of random weights.

        Raises:
            InvalidRequestError: there is no model, or no such number of threads.
        """
        return throughput.launch_throughput(models, threads=threads)

    def read_throughput(self, line: str) -> Passes | None:
        """The passes that one line of that child's standard output tells of."""
        return throughput.read_passes(line)

    def explain_failure(self, plan: Plan, stderr_tail: Sequence[str]) -> StokerError:
        """Our own error for a load that failed, from the engine's last words."""
        return failures.explain_load(plan.model.path, stderr_tail)

    def explain_refusal(self, status: int, body: bytes) -> StokerError:
        """Our own error for an HTTP answer that is not 200."""
        return failures.explain_refusal(status, body)

    def translate(self, request: Request) -> WireRequest:
        """`request` in the engine's dialect, as a stream that reports prefill."""
        return translate.translate(request)
