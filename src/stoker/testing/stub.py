"""The stub engine's adapter and a plan to run it with: `workers` tested without any model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stoker.core.errors import ContextOverflowError, EngineError, LoadFailedError, StokerError
from stoker.core.memory import MemoryNeed, Part, Taken
from stoker.core.model import LocalModel, ModelFacts, ModelRef, Task
from stoker.core.plan import DeviceKind, Plan
from stoker.core.request import Kind, Request, Sampling
from stoker.engines.base import ChildReport, Launch, Passes, WireRequest
from stoker.testing.stub_answers import CHAT_PATH, COMPLETION_PATH, EMBEDDING_PATH, RENDER_PATH
from stoker.testing.stub_behaviour import StubBehaviour
from stoker.testing.stub_counter import MEMORY
from stoker.testing.stub_engine import REPORT

_PATHS = {
    Kind.CHAT: CHAT_PATH,
    Kind.COMPLETION: COMPLETION_PATH,
    Kind.EMBEDDING: EMBEDDING_PATH,
    Kind.RENDER: RENDER_PATH,
}
_SAMPLING = ("temperature", "top_p", "seed", "max_tokens")
_DEFAULT_BEHAVIOUR = StubBehaviour()


def stub_plan(
    *,
    name: str = "stub",
    slots: int = 2,
    context: int = 64,
    path: Path = Path("stub.gguf"),
    task: Task = Task.GENERATE,
) -> Plan:
    """A plan for the stub; its model needs no file."""
    facts = ModelFacts(
        architecture="stub",
        parameters=1,
        quantization="F32",
        file_bytes=0,  # there is no file: nothing to read, and no progress but the stub's own
        context_length=context,
        layers=1,
        embedding_length=4,
        vocabulary=2,
        task=task,
        chat_template=True,
    )
    model = LocalModel(ModelRef.parse(name), path, facts)
    return Plan(model=model, engine="stub", context=context, slots=slots, threads=1)


class StubEngine:
    """Fills `stoker.engines.base.Engine` with the stub program.

    `refusal` is raised by `check`, as for a file that the engine cannot run. `readable` are
    folders that the stub may see besides its model, such as one with gates.
    """

    name = "stub"
    devices = frozenset({DeviceKind.CPU})

    def __init__(
        self,
        behaviour: StubBehaviour = _DEFAULT_BEHAVIOUR,
        *,
        refusal: StokerError | None = None,
        readable: tuple[Path, ...] = (),
    ) -> None:
        self._behaviour = behaviour
        self._refusal = refusal
        self._readable = readable

    def check(self, plan: Plan) -> None:  # noqa: ARG002 - the port gives it
        """Raise the refusal that a test asked for, if any."""
        if self._refusal is not None:
            raise self._refusal

    def launch(self, plan: Plan, socket: Path) -> Launch:
        """The stub program on `socket`."""
        spec = {
            "socket": str(socket),
            "model": str(plan.model.ref),
            "context": plan.context,
            "slots": plan.slots,
            "behaviour": self._behaviour.to_spec(),
        }
        readable = (plan.model.path, *self._readable)
        return Launch(module="stoker.testing.stub_engine", spec=spec, readable=readable)

    def read_report(self, line: str) -> ChildReport | None:
        """The stub's reports have a mark in front."""
        if not line.startswith(REPORT):
            return None
        return ChildReport(**json.loads(line.removeprefix(REPORT)))

    def dry_run(self, plan: Plan) -> Launch:
        """The stub's counting program."""
        spec = {
            "model": str(plan.model.path),
            "context": plan.context,
            "slots": plan.slots,
            "behaviour": self._behaviour.to_spec(),
        }
        readable = (plan.model.path, *self._readable)
        return Launch(module="stoker.testing.stub_counter", spec=spec, readable=readable)

    def read_dry_run(self, plan: Plan, line: str) -> MemoryNeed | None:  # noqa: ARG002 - the port gives it
        """The stub's counts have a mark in front."""
        if not line.startswith(MEMORY):
            return None
        told = json.loads(line.removeprefix(MEMORY))
        return MemoryNeed(
            tuple(Taken(Part(part), "cpu", size) for part, size in told.items()), "engine"
        )

    def throughput(self, models: Mapping[str, Path], threads: int) -> Launch:
        """The stub multiplies nothing.

        Raises:
            EngineError: always.
        """
        raise EngineError(f"the stub cannot time {len(models)} models with {threads} threads")

    def read_throughput(self, line: str) -> Passes | None:  # noqa: ARG002 - the port gives it
        """Whatever is said is talk."""
        return None

    def explain_failure(self, plan: Plan, stderr_tail: Sequence[str]) -> StokerError:
        """The stub's own last words."""
        words = stderr_tail[-1] if stderr_tail else "it said nothing"
        return LoadFailedError(f"{plan.model.ref} could not be loaded: {words}")

    def explain_refusal(self, status: int, body: bytes) -> StokerError:
        """An overflow of the context, or the stub's own message."""
        try:
            error: dict[str, Any] = json.loads(body)["error"]
        except (ValueError, KeyError, TypeError):
            return EngineError(f"the engine answered {status}")
        if error.get("type") == "exceed_context_size_error":
            return ContextOverflowError(
                f"the prompt has {error['n_prompt_tokens']} tokens, the context {error['n_ctx']}"
            )
        return EngineError(str(error.get("message")))

    def translate(self, request: Request) -> WireRequest:
        """The OpenAI form of `request`."""
        body: dict[str, Any] = {"model": str(request.model)}
        if request.kind is Kind.EMBEDDING:
            body["input"] = list(request.inputs)
        else:
            body |= {"stream": True, "return_progress": True, **_sampling(request.sampling)}
        if request.kind in {Kind.CHAT, Kind.RENDER}:
            body["messages"] = [
                {"role": one.role.value, "content": one.content} for one in request.messages
            ]
        if request.kind is Kind.COMPLETION:
            body["prompt"] = request.inputs[0]
        return WireRequest(_PATHS[request.kind], json.dumps(body).encode())


def _sampling(sampling: Sampling) -> dict[str, Any]:
    values = {name: getattr(sampling, name) for name in _SAMPLING}
    return {name: value for name, value in values.items() if value is not None}
