"""The child that counts memory: its deadline, its end, and what it may not do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stoker.core.clock import Clock, SystemClock
from stoker.core.errors import EngineError, LoadFailedError, LoadTimeoutError
from stoker.core.model import LocalModel, ModelRef
from stoker.core.plan import Plan
from stoker.engines.base import Launch
from stoker.models.facts import read_facts
from stoker.testing.architectures import write_architecture
from stoker.testing.clock import ManualClock
from stoker.testing.stub import StubEngine
from stoker.testing.stub_behaviour import StubBehaviour
from stoker.workers.dry_run import count_memory
from stoker.workers.limits import WorkerLimits

pytestmark = pytest.mark.slow
LIMITS = WorkerLimits(count_s=7)
HANGS = StubBehaviour(hang_at_load=True)


class SeenEngine(StubEngine):
    """Tells when the child was asked for, and with which file."""

    def __init__(self, behaviour: StubBehaviour) -> None:
        super().__init__(behaviour)
        self.asked = asyncio.Event()
        self.path = Path()

    def dry_run(self, plan: Plan) -> Launch:
        self.path = plan.model.path
        self.asked.set()
        return super().dry_run(plan)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = write_architecture(tmp_path / "m.gguf", "llama")
    model = LocalModel(ModelRef("m"), path, read_facts(path))
    return Plan(model, "stub", context=256, slots=2, threads=1)


def counting(
    plan: Plan, engine: StubEngine, folder: Path, clock: Clock | None = None
) -> asyncio.Task[object]:
    work = count_memory(plan, engine, directory=folder, limits=LIMITS, clock=clock or SystemClock())
    return asyncio.ensure_future(work)


def processes_of(folder: Path) -> list[str]:
    """The processes that work in a folder below `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cwd"):
        try:
            where = str(process.readlink())
        except OSError:
            continue
        found += [where] if where.startswith(str(folder)) else []
    return found


async def test_a_child_that_says_nothing_is_ended_at_its_deadline(
    plan: Plan, tmp_path: Path
) -> None:
    clock = ManualClock()
    task = counting(plan, SeenEngine(HANGS), tmp_path / "d", clock)
    await clock.wait_sleepers(1)
    assert processes_of(tmp_path)
    await clock.advance(LIMITS.count_s)
    with pytest.raises(LoadTimeoutError, match="7 s"):
        await task
    assert not processes_of(tmp_path)
    assert not list((tmp_path / "d").glob("*"))


async def test_who_gives_up_leaves_no_child_and_no_file(plan: Plan, tmp_path: Path) -> None:
    clock = ManualClock()
    engine = SeenEngine(HANGS)
    task = counting(plan, engine, tmp_path / "d", clock)
    await clock.wait_sleepers(1)
    assert processes_of(tmp_path)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not processes_of(tmp_path)
    assert not engine.path.exists()


async def test_it_sees_a_hollow_copy_and_never_the_model(plan: Plan, tmp_path: Path) -> None:
    engine = SeenEngine(StubBehaviour())
    await counting(plan, engine, tmp_path / "d")
    assert engine.path.parent.parent == tmp_path / "d"
    assert plan.model.path.exists()


async def test_the_last_words_of_a_child_are_explained_by_the_engine(
    plan: Plan, tmp_path: Path
) -> None:
    with pytest.raises(LoadFailedError, match="wrong number of tensors"):
        await counting(
            plan, SeenEngine(StubBehaviour(crash_at_load="wrong number of tensors")), tmp_path / "d"
        )


async def test_a_child_that_ends_without_a_word_says_nothing_of_the_model(
    plan: Plan, tmp_path: Path
) -> None:
    with pytest.raises(EngineError, match="wordlessly"):
        await counting(plan, SeenEngine(StubBehaviour(crash_at_load="")), tmp_path / "d")


async def test_words_that_the_engine_cannot_read_are_its_error(plan: Plan, tmp_path: Path) -> None:
    class Strange(StubEngine):
        def read_dry_run(self, plan: Plan, line: str) -> None:
            raise EngineError("strange words")

    with pytest.raises(EngineError, match="strange words"):
        await counting(plan, Strange(), tmp_path / "d")
    assert not processes_of(tmp_path)
