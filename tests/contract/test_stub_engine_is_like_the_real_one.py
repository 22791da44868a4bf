"""One suite that the stub engine and llama.cpp both pass: what is proven with the stub holds.

The real one runs in the real cage, on a synthetic model of a few megabytes.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from stoker.core.errors import ContextOverflowError
from stoker.core.model import LocalModel, ModelRef
from stoker.core.plan import Plan
from stoker.core.request import Event, Finish, Kind, Message, Prefill, Request, Role, Sampling, Text
from stoker.engines.base import Engine
from stoker.engines.registry import find_engine
from stoker.models.facts import read_facts
from stoker.testing.stub import StubEngine, stub_plan
from stoker.testing.stub_behaviour import StubBehaviour
from stoker.testing.synthetic import write_model
from stoker.workers.limits import WorkerLimits
from stoker.workers.sandbox import STEPS
from stoker.workers.state import WorkerState
from stoker.workers.worker import Worker

CONTEXT = 256
LIMITS = WorkerLimits(load_s=50, first_byte_s=30, idle_s=30)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    path = tmp_path_factory.mktemp("model") / "synthetic.gguf"
    write_model(path)
    return LocalModel(ModelRef("synthetic"), path, read_facts(path))


@pytest.fixture(
    params=[
        pytest.param("stub", marks=pytest.mark.slow),
        pytest.param("llamacpp", marks=[pytest.mark.slow, pytest.mark.engine]),
    ]
)
def engine_and_plan(request: pytest.FixtureRequest) -> tuple[Engine, Plan]:
    if request.param == "stub":
        engine = StubEngine(StubBehaviour(tokens=100_000))
        return engine, stub_plan(slots=1, context=CONTEXT)
    local = request.getfixturevalue("model")
    plan = Plan(model=local, engine="llamacpp", context=CONTEXT, slots=1, threads=1)
    return find_engine("llamacpp"), plan


@pytest.fixture
async def worker(engine_and_plan: tuple[Engine, Plan], tmp_path: Path) -> AsyncIterator[Worker]:
    engine, plan = engine_and_plan
    made = Worker(plan, engine, directory=tmp_path, limits=LIMITS)
    await made.start()
    yield made
    await made.stop(drain_s=0)


def chat(worker: Worker, text: str = "hello you", max_tokens: int = 3) -> Request:
    return Request(
        id="1",
        model=worker.plan.model.ref,
        kind=Kind.CHAT,
        messages=(Message(Role.USER, text),),
        sampling=Sampling(temperature=0.0, max_tokens=max_tokens),
        include_usage=True,
    )


async def answer(worker: Worker, request: Request) -> list[Event]:
    return [event async for event in worker.events(request)]


def chunks(body: bytes) -> Iterator[dict[str, object]]:
    for event in body.decode().split("\n\n"):
        if event.startswith("data: {"):
            yield json.loads(event.removeprefix("data: "))


async def test_it_comes_up_caged_and_ends(worker: Worker) -> None:
    seen = worker.statistics()
    assert seen.state is WorkerState.READY
    assert seen.cold_start is not None
    assert seen.cage is not None
    assert [one.name for one in seen.cage.mechanisms] == [name for name, _ in STEPS]
    await worker.stop()
    assert worker.state is WorkerState.STOPPED
    assert await worker.wait_ended() is None


async def test_an_answer_is_prefill_then_text_then_one_finish(worker: Worker) -> None:
    events = await answer(worker, chat(worker))
    kinds = [type(event) for event in events]
    assert kinds == sorted(kinds, key=[Prefill, Text, Finish].index)
    assert kinds.count(Finish) == 1
    assert Prefill in kinds
    assert kinds.count(Text) >= 1


async def test_the_finish_names_its_reason_and_counts_the_tokens(worker: Worker) -> None:
    finish = (await answer(worker, chat(worker)))[-1]
    assert isinstance(finish, Finish)
    assert finish.reason == "length"
    assert finish.usage.completion_tokens == 3
    assert finish.usage.prompt_tokens > 0
    assert finish.timings.decode_tok_s > 0


async def test_the_chunks_on_the_wire_have_the_same_keys(worker: Worker) -> None:
    async with worker.open(chat(worker)) as stream:
        body = b"".join([piece async for piece in stream])
    assert body.endswith(b"data: [DONE]\n\n")
    said = list(chunks(body))
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in said)
    assert "prompt_progress" in said[0]
    assert set(said[-1]) >= {"id", "model", "created", "choices", "usage", "timings"}


async def test_a_completion_answers_in_its_own_shape(worker: Worker) -> None:
    request = Request(
        id="1",
        model=worker.plan.model.ref,
        kind=Kind.COMPLETION,
        inputs=("hello",),
        sampling=Sampling(temperature=0.0, max_tokens=3),
    )
    events = await answer(worker, request)
    assert isinstance(events[-1], Finish)
    assert any(isinstance(event, Text) for event in events)


async def test_a_conversation_is_rendered_up_to_where_the_answer_begins(worker: Worker) -> None:
    request = dataclasses.replace(chat(worker, "hello you"), kind=Kind.RENDER)
    async with worker.open(request) as stream:
        body = b"".join([piece async for piece in stream])
    assert json.loads(body) == {"prompt": "user: hello you\nassistant: "}


async def test_leaving_early_frees_the_only_slot(worker: Worker) -> None:
    """The one slot is held by an answer without an end; once it is left, the next is served."""
    async with worker.open(chat(worker, max_tokens=100_000)) as stream:
        await anext(stream)
    async with asyncio.timeout(20):
        events = await answer(worker, chat(worker))
    assert isinstance(events[-1], Finish)
    assert worker.statistics().busy == 0


async def test_a_prompt_that_does_not_fit_is_told_so(worker: Worker) -> None:
    with pytest.raises(ContextOverflowError):
        await answer(worker, chat(worker, "word " * 400))
    assert isinstance((await answer(worker, chat(worker)))[-1], Finish)
