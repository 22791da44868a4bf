"""Real service processes to measure, a plain client, and the processor time of a process."""

from __future__ import annotations

import json
import os
import re
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

from stoker.routing.prefill import PrefillFilter

START_S = 60.0
Address = tuple[str, int] | str


@dataclass(frozen=True, slots=True)
class Running:
    """A service that answers: its process, its door, and the socket of its one worker."""

    pid: int
    door: tuple[str, int]
    worker: str


@contextmanager
def model_service(model: str, slots: int) -> Iterator[Running]:
    """`stoker serve MODEL` with its model loaded."""
    code = ["-c", "from stoker.cli.main import main; main()", "serve", model]
    with _service([*code, "--port", "0", "--preload", "--parallel", str(slots)]) as running:
        yield running


@contextmanager
def stub_service(slots: int, behaviour: dict[str, Any]) -> Iterator[Running]:
    """The same service with the stub engine behind it."""
    document = {"slots": slots, "behaviour": behaviour, "settings": {"preload": True}}
    with _service(["-m", "stoker.testing.stub_service", json.dumps(document)]) as running:
        yield running


@contextmanager
def _service(arguments: Sequence[str]) -> Iterator[Running]:
    with TemporaryDirectory(prefix="stoker-bench-") as home:
        log = Path(home, "log")
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                stderr=file,
                stdout=file,
                env={**os.environ, "STOKER_HOME": home},
            )
        try:
            port = int(_wait_for(lambda: _announced(log), process)[1])
            _wait_for(lambda: _ready(port), process)
            yield Running(process.pid, ("127.0.0.1", port), str(next(Path(home).rglob("e.sock"))))
        finally:
            process.terminate()
            process.wait(START_S)


def _wait_for(look: Any, process: subprocess.Popen[bytes]) -> Any:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        if found := look():
            return found
        time.sleep(0.02)
    raise RuntimeError("the service did not start")


def _announced(log: Path) -> re.Match[str] | None:
    return re.search(r"listens on http://127\.0\.0\.1:(\d+)", log.read_text())


def _ready(port: int) -> bool:
    with urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
        return "ready" in json.load(answer)["models"].values()


@contextmanager
def splice(worker: str) -> Iterator[Running]:
    """The raw copy of bytes between TCP and `worker`, as a process of its own."""
    argv = [sys.executable, str(Path(__file__).with_name("splice.py")), worker]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None  # noqa: S101 - asked for above
        yield Running(process.pid, ("127.0.0.1", int(process.stdout.readline())), worker)
    finally:
        process.terminate()
        process.communicate()


def post(path: str, body: bytes, *, keep: bool = False) -> bytes:
    """One HTTP request; its answer ends with its connection, unless that is to be kept."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Connection: {'keep-alive' if keep else 'close'}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def connect(address: Address) -> socket.socket:
    """A connection that sends at once."""
    unix = isinstance(address, str)
    connection = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
    connection.connect(address)
    if not unix:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def first_answer_s(connection: socket.socket, request: bytes) -> float:
    """Seconds from sending to the first byte of the answer; prefill reports are none.

    The answer is read to its end, so that the connection can be used again.
    """
    sieve = PrefillFilter()
    began = time.perf_counter()
    connection.sendall(request)
    head = b""
    while b"\r\n\r\n" not in head:
        head += _receive(connection)
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode(errors="replace"))
    through = sieve.feed(head.partition(b"\r\n\r\n")[2])
    while not through:
        through = sieve.feed(_receive(connection))
    took = time.perf_counter() - began
    while not through.endswith(b"0\r\n\r\n"):
        through = through[-8:] + _receive(connection)
    return took


def _receive(connection: socket.socket) -> bytes:
    piece = connection.recv(1 << 16)
    if not piece:
        raise RuntimeError("the answer ended before it began")
    return piece


def together_s(address: Address, request: bytes, streams: int) -> float:
    """Seconds until `streams` answers that were asked for at once have all ended."""
    began = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        tails = {}
        for _ in range(streams):
            connection = connect(address)
            connection.sendall(request)
            selector.register(connection, selectors.EVENT_READ)
            tails[connection] = b""
        while tails:
            for key, _ in selector.select():
                _read_on(selector, key.fileobj, tails)
    return time.perf_counter() - began


def _read_on(selector: selectors.BaseSelector, connection: Any, tails: dict[Any, bytes]) -> None:
    piece = connection.recv(1 << 16)
    tails[connection] = (tails[connection] + piece)[-64:]
    if not piece:
        selector.unregister(connection)
        connection.close()
        if b"[DONE]" not in tails.pop(connection):
            raise RuntimeError("an answer ended before its end")


def processor_s(pid: int) -> float:
    """The processor time of every thread of `pid` so far, in seconds, to the nanosecond."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9
