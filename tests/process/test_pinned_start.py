"""A service loads the bytes that were compared with its plan, whenever it loads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stoker.app import ServiceSettings, WorkerStarter
from stoker.core.clock import SystemClock
from stoker.core.errors import PlanDriftError
from stoker.core.plan import Plan
from stoker.engines.base import Launch
from stoker.models.pinning import pin_files
from stoker.models.storing.store import Store
from stoker.state.home import Home
from stoker.testing.stub import StubEngine, stub_plan

pytestmark = pytest.mark.slow


class MeddledEngine(StubEngine):
    """Somebody writes to the model's file while it is loaded, `meddle` times."""

    meddle = 0

    def launch(self, plan: Plan, socket: Path) -> Launch:
        if self.meddle:
            self.meddle -= 1
            plan.model.path.write_bytes(b"other")
        return super().launch(plan, socket)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"bytes")
    return stub_plan(path=path)


@pytest.fixture
def starter_of(tmp_path: Path, plan: Plan) -> Callable[[StubEngine], WorkerStarter]:
    def make(engine: StubEngine) -> WorkerStarter:
        home, model = Home(tmp_path / "home").prepare(), plan.model
        pins = {model.ref: pin_files(model, Store(home.models))}
        settings = ServiceSettings([plan], engines=lambda _: engine, pins=pins)
        return WorkerStarter({model.ref: plan}, home, settings, SystemClock())

    return make


async def test_a_file_that_was_changed_between_two_loads_is_not_loaded(
    plan: Plan, starter_of: Callable[[StubEngine], WorkerStarter]
) -> None:
    starter = starter_of(StubEngine())
    await (await starter.start(plan.model.ref)).stop(drain_s=0)
    plan.model.path.touch()
    await (await starter.start(plan.model.ref)).stop(drain_s=0)
    plan.model.path.write_bytes(b"other")
    with pytest.raises(PlanDriftError, match="was changed"):
        await starter.start(plan.model.ref)
    plan.model.path.write_bytes(b"bytes")
    await (await starter.start(plan.model.ref)).stop(drain_s=0)


async def test_what_was_changed_while_it_was_loaded_does_not_answer(
    plan: Plan, tmp_path: Path, starter_of: Callable[[StubEngine], WorkerStarter]
) -> None:
    engine = MeddledEngine()
    starter, engine.meddle = starter_of(engine), 1
    with pytest.raises(PlanDriftError, match="was changed"):
        await starter.start(plan.model.ref)
    assert not list(Home(tmp_path / "home").workers.glob("*")), "its process is gone"
