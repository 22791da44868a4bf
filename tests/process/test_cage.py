"""The cage holds: a caged process tries to get out, and is told no."""

import os
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stoker.testing.stub import stub_plan
from stoker.workers import landlock
from stoker.workers.worker import Worker

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the cage is Linux's"),
]
MakeWorker = Callable[..., Worker]
Control = Callable[..., Awaitable[Any]]


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def network_of(pid: str) -> int:
    return Path(f"/proc/{pid}/ns/net").stat().st_ino


def status_of(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text(encoding="ascii")


async def test_a_caged_engine_reaches_its_model_and_nothing_else(
    make_worker: MakeWorker, control: Control, port: int, tmp_path: Path
) -> None:
    model, secret = tmp_path / "model.gguf", tmp_path / "secret"
    model.write_bytes(b"GGUF")
    secret.write_text("a secret")
    worker = make_worker(plan=stub_plan(path=model))
    await worker.start()
    report = worker.statistics().cage
    assert report is not None
    applied = {one.name: one.applied for one in report.mechanisms}
    if not applied["landlock"]:
        assert landlock.version() == 0
        pytest.skip("this kernel offers no Landlock; the report said so")
    inside = worker._socket.parent / "note"
    attempts = {"connect": port, "read": str(secret), "execute": "/bin/true"}
    assert await control(worker, "/stub/try", attempts) == {
        "connect": "PermissionError",
        "read": "PermissionError",
        "execute": "PermissionError",
    }
    assert await control(worker, "/stub/try", {"read": str(model), "write": str(inside)}) == {
        "read": "done",
        "write": "done",
    }
    assert await control(worker, "/stub/try", {"write": str(model)}) == {"write": "PermissionError"}
    assert model.read_bytes() == b"GGUF"


async def test_a_caged_engine_has_its_own_network_and_none_of_our_keys(
    make_worker: MakeWorker, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOKER_API_KEY", "secret")
    worker = make_worker()
    await worker.start()
    seen = worker.statistics()
    assert seen.pid is not None
    assert seen.cage is not None
    outcome = await control(worker, "/stub/try", {"environment": "STOKER_API_KEY"})
    assert outcome == {"environment": "KeyError"}
    ours, its = network_of("self"), network_of(str(seen.pid))
    has_own = {one.name: one.applied for one in seen.cage.mechanisms}["network"]
    assert (ours != its) is has_own
    status = status_of(seen.pid)
    assert "NoNewPrivs:\t1" in status
    assert "CapEff:\t0000000000000000" in status


async def test_a_caged_engine_leads_a_group_of_its_own_in_our_session(
    make_worker: MakeWorker,
) -> None:
    """Ctrl-C at a terminal is not for it; a session of its own would slow its threads down."""
    worker = make_worker()
    await worker.start()
    pid = worker.statistics().pid
    assert pid is not None
    assert os.getpgid(pid) == pid
    assert os.getsid(pid) == os.getsid(0)
