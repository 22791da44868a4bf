"""A worker's life: it comes up, answers, and ends; nothing of it stays."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stoker.core.errors import (
    ContextOverflowError,
    DrainingError,
    EngineError,
    LoadFailedError,
    LoadTimeoutError,
    ModelFileMissingError,
    ModelNotLoadedError,
    WorkerLostError,
)
from stoker.core.model import Task
from stoker.core.request import Finish, Prefill, Request, Text
from stoker.testing.clock import ManualClock
from stoker.testing.stub import StubEngine, stub_plan
from stoker.testing.stub_behaviour import StubBehaviour
from stoker.workers.limits import WorkerLimits
from stoker.workers.state import WorkerState
from stoker.workers.worker import Worker

pytestmark = pytest.mark.slow
MakeWorker = Callable[..., Worker]
Ask = Callable[..., Request]


def is_running(pid: int) -> bool:
    """Whether a process `pid` exists and is no zombie."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_its_file_is_kept_for_as_long_as_it_has_a_process(tmp_path: Path) -> None:
    held: list[str] = []

    @contextlib.contextmanager
    def keep() -> Iterator[None]:
        held.append("entered")
        yield
        held.append("left")

    worker = Worker(stub_plan(), StubEngine(), directory=tmp_path, keep=keep())
    assert held == []
    await worker.start()
    assert held == ["entered"]
    await worker.stop()
    assert held == ["entered", "left"]


async def test_a_file_that_is_gone_meanwhile_starts_no_process(tmp_path: Path) -> None:
    @contextlib.contextmanager
    def keep() -> Iterator[None]:
        raise ModelFileMissingError
        yield

    worker = Worker(stub_plan(), StubEngine(), directory=tmp_path, keep=keep())
    with pytest.raises(ModelFileMissingError):
        await worker.start()
    assert worker.statistics().pid is None
    assert worker.state is WorkerState.COLD


async def test_it_is_ready_only_after_a_real_answer_and_says_where_the_time_went(
    make_worker: MakeWorker,
) -> None:
    worker, progress = make_worker(), list[float]()
    cold = await worker.start(progress.append)
    seen = worker.statistics()
    assert seen.state is WorkerState.READY
    assert progress == [0.0, 1.0]
    assert cold == seen.cold_start
    assert min(cold.spawn_s, cold.import_s, cold.load_s, cold.warmup_s) >= 0
    assert 0 < seen.memory_bytes <= seen.memory_peak_bytes
    assert (seen.busy, seen.failure, seen.exit) == (0, None, None)
    await worker.stop()
    assert worker.state is WorkerState.STOPPED
    assert await worker.wait_ended() is None
    assert seen.pid is not None
    assert not is_running(seen.pid)
    assert worker.statistics().pid is None


async def test_its_bytes_are_the_engines_and_its_events_are_ours(
    make_worker: MakeWorker, ask: Ask
) -> None:
    worker = make_worker(StubBehaviour(tokens=3, word="ab "))
    await worker.start()
    async with worker.open(ask()) as stream:
        assert worker.statistics().busy == 1
        body = b"".join([piece async for piece in stream])
    assert body.endswith(b"data: [DONE]\n\n")
    events = [event async for event in worker.events(ask())]
    assert isinstance(events[0], Prefill)
    assert "".join(event.text for event in events if isinstance(event, Text)) == "ab ab ab "
    assert isinstance(events[-1], Finish)
    assert events[-1].reason == "stop"
    assert worker.statistics().busy == 0


async def test_an_embedding_model_is_warmed_up_by_an_embedding(make_worker: MakeWorker) -> None:
    worker = make_worker(StubBehaviour(refuse_all=True), plan=stub_plan(task=Task.EMBED))
    await worker.start()
    assert worker.state is WorkerState.READY


async def test_leaving_a_stream_early_frees_the_slot(
    make_worker: MakeWorker, ask: Ask, control: Callable, tmp_path: Path
) -> None:
    worker = make_worker(StubBehaviour(token_gate=str(tmp_path / "never")))
    await worker.start()
    async with worker.open(ask()) as stream:
        while b"tok " not in await anext(stream):
            pass
        assert await control(worker, "/stub/slots?wait=1") == {"busy": 1}
    assert await control(worker, "/stub/slots?wait=0") == {"busy": 0}
    assert worker.statistics().busy == 0


async def test_a_refusal_is_told_in_our_words(make_worker: MakeWorker, ask: Ask) -> None:
    worker = make_worker()
    await worker.start()
    with pytest.raises(ContextOverflowError, match="101 tokens"):
        async with worker.open(ask("word " * 100)):
            pytest.fail("an overflow must not open")
    assert worker.statistics().busy == 0


async def test_a_refused_file_starts_no_process(make_worker: MakeWorker) -> None:
    worker = make_worker(engine=StubEngine(refusal=ModelFileMissingError()))
    with pytest.raises(ModelFileMissingError):
        await worker.start()
    assert worker.state is WorkerState.FAILED
    assert isinstance(await worker.wait_ended(), ModelFileMissingError)


async def test_a_crash_at_load_keeps_the_last_words(make_worker: MakeWorker) -> None:
    worker = make_worker(StubBehaviour(crash_at_load="one\ntensor x is missing\n"))
    with pytest.raises(LoadFailedError, match="tensor x is missing"):
        await worker.start()
    seen = worker.statistics()
    assert seen.stderr_tail[-1] == "tensor x is missing"
    assert seen.exit == "ended with status 1"
    assert seen.state is WorkerState.FAILED


async def test_a_crash_during_the_first_answer_is_a_failed_load(make_worker: MakeWorker) -> None:
    worker = make_worker(StubBehaviour(crash_at_token=0))
    with pytest.raises(LoadFailedError):
        await worker.start()
    assert worker.statistics().exit == "killed by SIGKILL"


async def test_an_engine_that_refuses_its_first_question_is_not_ready(
    make_worker: MakeWorker,
) -> None:
    worker = make_worker(StubBehaviour(refuse_all=True))
    with pytest.raises(EngineError, match="refused as asked"):
        await worker.start()
    assert worker.state is WorkerState.FAILED


async def test_a_load_that_never_ends_is_cut_at_its_deadline(make_worker: MakeWorker) -> None:
    clock, loading = ManualClock(), asyncio.Event()
    worker = make_worker(
        StubBehaviour(hang_at_load=True), clock=clock, limits=WorkerLimits(load_s=7)
    )
    start = asyncio.ensure_future(worker.start(lambda _: loading.set()))
    await loading.wait()
    pid = worker.statistics().pid
    await clock.advance(7)
    with pytest.raises(LoadTimeoutError, match="7 s"):
        await start
    assert pid is not None
    assert not is_running(pid)


async def test_a_cancelled_start_leaves_no_child(make_worker: MakeWorker) -> None:
    loading = asyncio.Event()
    worker = make_worker(StubBehaviour(hang_at_load=True))
    start = asyncio.ensure_future(worker.start(lambda _: loading.set()))
    await loading.wait()
    pid = worker.statistics().pid
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert pid is not None
    assert not is_running(pid)
    assert worker.state is WorkerState.STOPPED


async def test_stop_ends_a_start_that_is_under_way(make_worker: MakeWorker) -> None:
    loading = asyncio.Event()
    worker = make_worker(StubBehaviour(hang_at_load=True))
    start = asyncio.ensure_future(worker.start(lambda _: loading.set()))
    await loading.wait()
    await worker.stop()
    with pytest.raises(ModelNotLoadedError, match="was stopped while it loaded"):
        await start
    assert await worker.wait_ended() is None


async def test_a_worker_that_never_started_stops_at_once(make_worker: MakeWorker, ask: Ask) -> None:
    worker = make_worker()
    await worker.stop()
    await worker.stop()
    assert worker.state is WorkerState.STOPPED
    with pytest.raises(ModelNotLoadedError):
        async with worker.open(ask()):
            pytest.fail("a stopped worker must not open")


async def test_a_drain_lets_requests_end_and_takes_no_new_ones(
    make_worker: MakeWorker, ask: Ask, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    worker = make_worker(StubBehaviour(token_gate=str(gate)))
    await worker.start()
    async with worker.open(ask()) as stream:
        stop = asyncio.ensure_future(worker.stop())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert worker.state is WorkerState.DRAINING
        with pytest.raises(DrainingError):
            async with worker.open(ask()):
                pytest.fail("a draining worker must not open")
        gate.touch()
        body = b"".join([piece async for piece in stream])
    await stop
    assert body.endswith(b"data: [DONE]\n\n")
    assert worker.state is WorkerState.STOPPED


async def test_a_second_stop_cuts_the_drain_short(
    make_worker: MakeWorker, ask: Ask, tmp_path: Path
) -> None:
    worker = make_worker(StubBehaviour(token_gate=str(tmp_path / "never")))
    await worker.start()
    async with worker.open(ask()) as stream:
        first = asyncio.ensure_future(worker.stop(drain_s=1000))
        await asyncio.sleep(0)
        await worker.stop(drain_s=0)
        await first
        with pytest.raises(WorkerLostError, match="was stopped"):
            async for _ in stream:
                pass
    assert worker.state is WorkerState.STOPPED


async def test_an_engine_that_ignores_sigterm_is_killed(make_worker: MakeWorker) -> None:
    clock = ManualClock()
    worker = make_worker(
        StubBehaviour(ignore_sigterm=True),
        clock=clock,
        limits=WorkerLimits(terminate_s=9, heartbeat_interval_s=1000),
    )
    await worker.start()
    stop = asyncio.ensure_future(worker.stop(drain_s=0))
    await clock.wait_sleepers(2)  # the heartbeat, or what is left of it, and the stop
    assert worker.state is WorkerState.STOPPING
    await clock.advance(9)
    await stop
    assert worker.statistics().exit == "killed by SIGKILL"
    assert worker.state is WorkerState.STOPPED


async def test_ten_lives_leave_no_descriptor_and_no_process(make_worker: MakeWorker) -> None:
    async def live() -> None:
        worker = make_worker()
        await worker.start()
        await worker.stop()

    await live()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted, not walked
    for _ in range(10):
        await live()
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208
    with contextlib.suppress(ChildProcessError):
        assert os.waitpid(-1, os.WNOHANG) == (0, 0)  # noqa: ASYNC222 - it does not wait
