"""One suite that the stub's and llama.cpp's dry runs both pass, in the real cage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.errors import ModelFileMissingError, StokerError
from stoker.core.memory import Part
from stoker.core.model import LocalModel, ModelRef
from stoker.core.plan import Plan
from stoker.engines.base import Engine
from stoker.engines.registry import find_engine
from stoker.models.facts import read_facts
from stoker.models.gguf.hollow import read_hollow
from stoker.testing.architectures import write_architecture
from stoker.testing.stub import StubEngine
from stoker.testing.stub_behaviour import StubBehaviour
from stoker.workers.dry_run import count_memory


@pytest.fixture(
    params=[
        pytest.param("stub", marks=pytest.mark.slow),
        pytest.param("llamacpp", marks=[pytest.mark.slow, pytest.mark.engine]),
    ]
)
def engine(request: pytest.FixtureRequest) -> Engine:
    return StubEngine() if request.param == "stub" else find_engine("llamacpp")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = write_architecture(tmp_path / "m.gguf", "llama")
    model = LocalModel(ModelRef("m"), path, read_facts(path))
    return Plan(model, "some", context=256, slots=2, threads=1)


async def test_it_counts_weights_cache_compute_and_output(
    engine: Engine, plan: Plan, tmp_path: Path
) -> None:
    need = await count_memory(plan, engine, directory=tmp_path / "d")
    assert need.source == "engine"
    parts = (Part.WEIGHTS, Part.KV, Part.COMPUTE, Part.OUTPUT)
    assert all(need.of(part, device="cpu") > 0 for part in parts)
    assert need.other_bytes == need.of(Part.OUTPUT)


async def test_more_context_takes_more_cache_and_no_more_weights(
    engine: Engine, plan: Plan, tmp_path: Path
) -> None:
    needs = [
        await count_memory(replace(plan, context=length), engine, directory=tmp_path / "d")
        for length in (256, 1024)
    ]
    assert needs[1].kv_bytes == 4 * needs[0].kv_bytes
    assert needs[0].weights_bytes == needs[1].weights_bytes


async def test_a_header_from_afar_is_enough(engine: Engine, plan: Plan, tmp_path: Path) -> None:
    here = await count_memory(plan, engine, directory=tmp_path / "d")
    hollow = read_hollow(plan.model.path)
    plan.model.path.unlink()
    assert await count_memory(plan, engine, directory=tmp_path / "d", hollow=hollow) == here


async def test_nothing_is_left_behind(engine: Engine, plan: Plan, tmp_path: Path) -> None:
    await count_memory(plan, engine, directory=tmp_path / "d")
    assert not list((tmp_path / "d").glob("*"))


async def test_a_file_that_is_not_there_is_said_so(
    engine: Engine, plan: Plan, tmp_path: Path
) -> None:
    plan.model.path.unlink()
    with pytest.raises(ModelFileMissingError):
        await count_memory(plan, engine, directory=tmp_path / "d")


@pytest.mark.slow
async def test_a_child_that_fails_ends_in_the_engines_own_reason(
    plan: Plan, tmp_path: Path
) -> None:
    broken = StubEngine(StubBehaviour(crash_at_load="it is the wrong shape"))
    with pytest.raises(StokerError, match="the wrong shape"):
        await count_memory(plan, broken, directory=tmp_path / "d")
    assert not list((tmp_path / "d").glob("*"))
