"""Nothing is lost: workers die, clients leave, readers stall, the service ends."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stoker.testing.running import RunningService

pytestmark = pytest.mark.slow
CHAT = "/v1/chat/completions"
MIB = 1 << 20
StartService = Callable[..., RunningService]


def body(*, stream: bool = False, **fields: Any) -> bytes:
    asked = {"model": "stub", "messages": [{"role": "user", "content": "a"}], "stream": stream}
    return json.dumps(asked | fields).encode()


def send(service: RunningService, *, stream: bool = False, **fields: Any) -> socket.socket:
    """A connection over which one question was asked."""
    sent = body(stream=stream, **fields)
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(sent)}\r\n\r\n"
    client = socket.create_connection(("127.0.0.1", service.port), timeout=20)
    client.sendall(head.encode() + sent)
    return client


def receive(client: socket.socket) -> http.client.HTTPResponse:
    response = http.client.HTTPResponse(client)
    response.begin()
    return response


def busy(row: dict[str, Any]) -> bool:
    return row["slots_busy"] == 1


def free(row: dict[str, Any]) -> bool:
    return row["slots_busy"] == 0 and row["waiting"] == 0


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def wait_for(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(0.002)


def test_a_worker_killed_before_its_first_byte_is_replaced_unseen(
    start_stub_service: StartService, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    service = start_stub_service(behaviour={"prefill_gate": str(gate)}, gates=str(tmp_path))
    with send(service) as client:
        service.wait_models(busy)
        first = service.models()[0]["pid"]
        os.kill(first, signal.SIGKILL)
        gate.touch()
        response = receive(client)
        assert response.status == 200
        assert json.loads(response.read())["choices"][0]["message"]["content"]
    assert service.models()[0]["pid"] not in (None, first)


def test_a_worker_killed_mid_stream_ends_it_with_an_error_and_the_next_is_answered_by_another(
    start_stub_service: StartService, tmp_path: Path, record_property: Callable[..., None]
) -> None:
    gate = tmp_path / "gate"
    service = start_stub_service(behaviour={"token_gate": str(gate)}, gates=str(tmp_path))
    with send(service, stream=True) as client:
        response = receive(client)
        response.readline()
        first = service.models()[0]["pid"]
        os.kill(first, signal.SIGKILL)
        events = [line for line in response.read().split(b"\n") if line.startswith(b"data: ")]
    error = json.loads(events[-1].removeprefix(b"data: "))["error"]
    assert error["code"] == "worker_lost"
    assert b"data: [DONE]" not in events
    gate.touch()
    began = time.monotonic()
    assert service.request("POST", CHAT, body())[0] == 200
    record_property("next_request_s", round(time.monotonic() - began, 3))
    assert service.models()[0]["pid"] not in (None, first)


def test_a_worker_killed_while_a_whole_answer_is_put_together_is_an_error_of_its_own(
    start_stub_service: StartService, tmp_path: Path
) -> None:
    never = {"token_gate": str(tmp_path / "never")}
    service = start_stub_service(behaviour=never, gates=str(tmp_path))
    with send(service) as client:
        service.wait_models(busy)
        wait_for(lambda: service.models()[0]["pid"] is not None)
        threading.Timer(0.1, os.kill, (service.models()[0]["pid"], signal.SIGKILL)).start()
        response = receive(client)
        answer = json.loads(response.read())
    assert (response.status, answer["error"]["code"]) == (502, "worker_lost")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("phase", ["load", "prefill", "decode"])
def test_a_client_that_leaves_frees_its_slot(
    start_stub_service: StartService,
    tmp_path: Path,
    phase: str,
    *,
    stream: bool,
    record_property: Callable[..., None],
) -> None:
    gate = {"load": "load_gate", "prefill": "prefill_gate", "decode": "token_gate"}[phase]
    never = {gate: str(tmp_path / "never")}
    service = start_stub_service(behaviour=never, gates=str(tmp_path))
    client = send(service, stream=stream)
    service.wait_models(lambda row: row["waiting"] == 1 if phase == "load" else busy(row))
    if phase == "decode" and stream:
        client.recv(1)
    client.close()
    took = service.wait_models(free)
    record_property("slot_free_ms", round(took * 1000, 1))


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_the_queue_frees_its_place(
    start_stub_service: StartService, tmp_path: Path, *, stream: bool
) -> None:
    gate = tmp_path / "gate"
    service = start_stub_service(behaviour={"token_gate": str(gate)}, gates=str(tmp_path))
    with send(service) as first:
        service.wait_models(busy)
        second = send(service, stream=stream)
        service.wait_models(lambda row: row["waiting"] == 1)
        second.close()
        service.wait_models(lambda row: row["waiting"] == 0)
        gate.touch()
        assert receive(first).status == 200


def memory_of(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def flooding(**settings: Any) -> dict[str, Any]:
    """A stub whose answer is 1 GB in pieces of 64 KiB."""
    behaviour = {"tokens": 1 << 14, "word": "w" * 1024, "word_repeat": 64}
    return {"behaviour": behaviour, "settings": settings}


def test_a_slow_reader_costs_at_most_4_mb(
    start_stub_service: StartService, record_property: Callable[..., None]
) -> None:
    service = start_stub_service(**flooding())
    with send(service, stream=True, max_tokens=2) as client:
        receive(client).read()  # everything that any answer needs is in memory by now
    before = memory_of(service.process.pid)
    with send(service, stream=True) as client:
        client.recv(1)
        wait_for(lambda: still(service, client))
        assert busy(service.models()[0])  # the flood goes on as soon as somebody reads
        grown = memory_of(service.process.pid) - before
    record_property("slow_reader_mb", round(grown / 1e6, 2))
    assert grown <= 4e6


def still(service: RunningService, client: socket.socket) -> bool:
    """Whether nothing more comes while the service answers others: every buffer is full."""
    before = unread(client)
    for _ in range(20):
        service.models()
    return unread(client) == before > 0


def unread(client: socket.socket) -> int:
    import fcntl  # noqa: PLC0415
    import struct  # noqa: PLC0415
    import termios  # noqa: PLC0415

    return struct.unpack("i", fcntl.ioctl(client, termios.FIONREAD, b"\0" * 4))[0]


def test_a_reader_that_takes_nothing_for_too_long_is_let_go(
    start_stub_service: StartService,
) -> None:
    service = start_stub_service(**flooding(write_s=0.3))
    with send(service, stream=True) as client:
        client.recv(1)
        service.wait_models(busy)
        service.wait_models(free, timeout_s=5)
        assert service.request("GET", "/healthz")[0] == 200


def test_a_service_killed_with_9_leaves_no_child(start_stub_service: StartService) -> None:
    service = start_stub_service()
    assert service.request("POST", CHAT, body())[0] == 200
    children = service.children()
    assert service.models()[0]["pid"] in children
    service.process.kill()
    service.process.wait()
    wait_for(lambda: all(gone(pid) for pid in children))


def test_sigterm_lets_an_answer_end_and_takes_no_new_one(
    start_stub_service: StartService, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    service = start_stub_service(behaviour={"token_gate": str(gate)}, gates=str(tmp_path))
    with send(service, stream=True) as client:
        response = receive(client)
        response.readline()
        service.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "draining" in service.log)
        status, answer = service.request("POST", CHAT, body())
        assert (status, answer["error"]["code"]) == (503, "draining")
        assert service.request("GET", "/readyz")[0] == 503
        gate.touch()
        assert b"data: [DONE]" in response.read()
    children = service.children() if service.process.poll() is None else []
    assert service.process.wait(10) == 0
    assert all(gone(pid) for pid in children)


@pytest.mark.parametrize("times", [1, 2])
def test_interrupts_end_it_cleanly_however_often(
    start_stub_service: StartService, times: int
) -> None:
    service = start_stub_service()
    assert service.request("POST", CHAT, body())[0] == 200
    children = service.children()
    for _ in range(times):
        service.process.send_signal(signal.SIGINT)
    assert service.process.wait(10) == 0
    assert "Traceback" not in service.log
    assert all(gone(pid) for pid in children)


def test_an_answer_that_outlasts_the_drain_is_cut_and_the_service_ends(
    start_stub_service: StartService, tmp_path: Path
) -> None:
    never = {"token_gate": str(tmp_path / "never")}
    service = start_stub_service(
        behaviour=never, gates=str(tmp_path), settings={"drain_s": 0.2}, limits={"drain_s": 0.2}
    )
    with send(service, stream=True) as client:
        response = receive(client)
        response.readline()
        assert service.stop(10) == 0
        assert b"[DONE]" not in response.read()
    assert "Traceback" not in service.log
