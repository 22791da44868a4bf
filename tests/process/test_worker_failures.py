"""What befalls a worker that was ready: it is noticed, named, and nothing waits for ever."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stoker.core.errors import WorkerLostError
from stoker.core.request import Request
from stoker.testing.clock import ManualClock
from stoker.testing.stub_behaviour import StubBehaviour
from stoker.workers.limits import WorkerLimits
from stoker.workers.state import WorkerState
from stoker.workers.worker import Worker

pytestmark = pytest.mark.slow
MakeWorker = Callable[..., Worker]
Ask = Callable[..., Request]


async def test_a_crash_in_the_middle_breaks_the_stream_and_ends_the_worker(
    make_worker: MakeWorker, ask: Ask, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    worker = make_worker(StubBehaviour(crash_at_token=1, token_gate=str(gate)))
    await worker.start()

    async def read() -> None:
        async with worker.open(ask()) as stream:
            async for piece in stream:
                if b'"content":"tok "' in piece:
                    gate.touch()

    with pytest.raises(WorkerLostError):
        await read()
    assert gate.exists()
    failure = await worker.wait_ended()
    assert isinstance(failure, WorkerLostError)
    assert "killed by SIGKILL" in failure.message
    assert worker.state is WorkerState.FAILED
    with pytest.raises(WorkerLostError, match="killed by SIGKILL"):
        async with worker.open(ask()):
            pytest.fail("a failed worker must not open")
    await worker.stop()
    assert worker.state is WorkerState.FAILED


async def test_a_death_between_requests_is_noticed(make_worker: MakeWorker) -> None:
    worker = make_worker()
    await worker.start()
    pid = worker.statistics().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert isinstance(await worker.wait_ended(), WorkerLostError)


async def test_a_worker_that_runs_but_does_not_answer_is_dead(
    make_worker: MakeWorker, ask: Ask
) -> None:
    """Two missed heartbeats fail it; the stream that hung with it is broken, not left waiting."""
    clock = ManualClock()
    limits = WorkerLimits(
        heartbeat_interval_s=5, heartbeat_deadline_s=2, heartbeat_misses=2, idle_s=1000
    )
    worker = make_worker(StubBehaviour(hang_at_token=1), clock=clock, limits=limits)
    await worker.start()
    async with worker.open(ask()) as stream:
        while b"tok " not in await anext(stream):
            pass
        for _ in range(2):  # asleep besides the heartbeat: the stream's watch for silence
            await clock.wait_sleepers(2)
            await clock.advance(5)
            await clock.advance(2)
        failure = await worker.wait_ended()
        with pytest.raises(WorkerLostError, match="2 heartbeats"):
            await anext(stream)
    assert isinstance(failure, WorkerLostError)
    assert "2 heartbeats" in failure.message
    assert worker.state is WorkerState.FAILED
    assert worker.statistics().exit == "killed by SIGKILL"


async def test_a_stream_that_falls_silent_is_broken_at_its_deadline(
    make_worker: MakeWorker, ask: Ask, tmp_path: Path
) -> None:
    clock = ManualClock()
    limits = WorkerLimits(idle_s=11, heartbeat_interval_s=1000)
    gate = str(tmp_path / "never")
    worker = make_worker(StubBehaviour(token_gate=gate), clock=clock, limits=limits)
    await worker.start()
    async with worker.open(ask()) as stream:
        while b"tok " not in await anext(stream):
            pass
        await clock.wait_sleepers(2)
        await clock.advance(11)
        with pytest.raises(WorkerLostError, match="nothing for 11 s"):
            await anext(stream)
    assert worker.state is WorkerState.READY


async def test_an_engine_that_does_not_begin_to_answer_is_given_up(
    make_worker: MakeWorker, ask: Ask
) -> None:
    clock = ManualClock()
    limits = WorkerLimits(first_byte_s=13, heartbeat_interval_s=1000)
    worker = make_worker(clock=clock, limits=limits)
    await worker.start()
    pid = worker.statistics().pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)

    async def read() -> None:
        async with worker.open(ask()):
            pytest.fail("a stopped process cannot answer")

    reading = asyncio.ensure_future(read())
    await clock.wait_sleepers(2)
    await clock.advance(13)
    with pytest.raises(WorkerLostError, match="in 13 s"):
        await reading
    os.kill(pid, signal.SIGCONT)


PARENT = """
import asyncio, sys
from pathlib import Path
from stoker.testing.stub import StubEngine, stub_plan
from stoker.testing.stub_behaviour import StubBehaviour
from stoker.workers.worker import Worker

async def main():
    behaviour = StubBehaviour(hang_at_load=sys.argv[2] == "loading", ignore_closed_stdin=True)
    worker = Worker(stub_plan(), StubEngine(behaviour), directory=Path(sys.argv[1]))
    tell = lambda progress: print(worker.statistics().pid, flush=True)
    if sys.argv[2] == "loading":
        await worker.start(lambda progress: tell(progress) if progress == 0 else None)
    await worker.start()
    tell(1)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
@pytest.mark.parametrize("stage", ["loading", "ready"])
def test_a_service_killed_with_9_leaves_no_child(tmp_path: Path, stage: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), stage], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        watch = os.pidfd_open(child)
        parent.kill()
        try:
            import select  # noqa: PLC0415 - Linux only here

            assert select.select([watch], [], [], 20)[0], "the child outlived its parent"
        finally:
            os.close(watch)
