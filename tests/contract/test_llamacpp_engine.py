"""What Stoker relies on in the real engine: a newer wheel that changes it is noticed here."""

import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stoker.core.errors import CannotEmbedError, ContextOverflowError, InvalidRequestError
from stoker.core.model import LocalModel, ModelRef
from stoker.core.plan import Plan
from stoker.core.request import Event, Finish, Kind, Message, Prefill, Request, Role, Sampling, Text
from stoker.engines.llamacpp.adapter import LlamaCppEngine
from stoker.engines.openai_wire import EventReader
from stoker.models.facts import read_facts
from stoker.testing.synthetic import write_model

pytestmark = [pytest.mark.engine, pytest.mark.slow]
ENGINE = LlamaCppEngine()
REF = ModelRef("some", "name")
CONTEXT, SLOTS = 512, 2
WAIT_S = 30


class OverSocket(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("engine", timeout=WAIT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def plan_of(path: Path) -> Plan:
    # One thread: on a busy machine the engine's threads wait for each other by spinning.
    return Plan(LocalModel(REF, path, read_facts(path)), "llamacpp", CONTEXT, SLOTS, threads=1)


def spawn(plan: Plan, where: Path) -> subprocess.Popen[bytes]:
    launch = ENGINE.launch(plan, where)
    child = subprocess.Popen(
        [sys.executable, "-m", launch.module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **launch.environment},
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps(launch.spec).encode() + b"\n")
    child.stdin.flush()
    return child


def reports_until(child: subprocess.Popen[bytes], stage: str) -> list[str]:
    stages: list[str] = []
    assert child.stdout is not None
    for line in child.stdout:
        report = ENGINE.read_report(line.decode().rstrip("\n"))
        stages += [report.stage] if report else []
        if stage in stages:
            break
    return stages


@contextmanager
def serving(folder: Path, shape: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    where = folder / "e.sock"
    child = spawn(plan_of(write_model(folder / "m.gguf", shape)), where)
    with child:
        try:
            assert reports_until(child, "listening")[-1:] == ["listening"]
            yield child, where
        finally:
            child.kill()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    with serving(tmp_path_factory.mktemp("e"), "tiny") as (child, where):
        yield child.pid, where


def ask(where: Path, request: Request) -> tuple[int, bytes]:
    wire = ENGINE.translate(request)
    return call(where, "POST", wire.path, wire.body)


def call(where: Path, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = OverSocket(where)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def question(kind: Kind, words: str = "hello", **options: Any) -> Request:
    sampling = Sampling(temperature=0.0, max_tokens=options.pop("max_tokens", 8))
    messages = (Message(Role.USER, words),) if kind is Kind.CHAT else ()
    inputs = () if kind is Kind.CHAT else (words,)
    return Request("1", REF, kind, messages=messages, inputs=inputs, sampling=sampling, **options)


def events_of(stream: bytes) -> list[Event]:
    reader = EventReader()
    events = reader.feed(stream)
    reader.end()
    return events


@pytest.mark.parametrize("kind", [Kind.CHAT, Kind.COMPLETION])
@pytest.mark.parametrize("include_usage", [False, True])
def test_a_stream_has_prefill_text_usage_and_timings(
    engine: tuple[int, Path], kind: Kind, *, include_usage: bool
) -> None:
    status, stream = ask(engine[1], question(kind, include_usage=include_usage))
    events = events_of(stream)
    assert status == 200
    assert isinstance(events[0], Prefill)
    assert any(isinstance(event, Text) for event in events)
    finish = events[-1]
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.usage.completion_tokens) == ("length", 8)
    assert finish.usage.prompt_tokens == events[0].total
    assert finish.timings.decode_tok_s > 0


def test_the_only_listener_is_the_private_socket(engine: tuple[int, Path]) -> None:
    pid, where = engine
    assert where.stat().st_mode & 0o077 == 0
    inodes = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    tcp = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
    ]
    assert not [row for row in tcp if f"socket:[{row[9]}]" in inodes]


def test_the_model_answers_under_the_name_it_was_given(engine: tuple[int, Path]) -> None:
    _, stream = ask(engine[1], question(Kind.CHAT))
    assert b'"model":"some:name"' in stream
    assert b"m.gguf" not in stream


def test_each_slot_has_the_planned_context(engine: tuple[int, Path]) -> None:
    slots = json.loads(call(engine[1], "GET", "/slots")[1])
    assert [slot["n_ctx"] for slot in slots] == [CONTEXT] * SLOTS


def test_an_overflow_is_refused_with_its_numbers(engine: tuple[int, Path]) -> None:
    status, body = ask(engine[1], question(Kind.COMPLETION, "x" * 2000))
    error = ENGINE.explain_refusal(status, body)
    assert type(error) is ContextOverflowError
    assert str(CONTEXT) in error.message


def test_an_answer_ends_where_the_context_does(engine: tuple[int, Path]) -> None:
    _, stream = ask(engine[1], question(Kind.COMPLETION, "x" * 500, max_tokens=None))
    finish = events_of(stream)[-1]
    assert isinstance(finish, Finish)
    assert finish.reason == "length"
    assert finish.usage.prompt_tokens + finish.usage.completion_tokens <= CONTEXT + 1


def test_a_field_of_the_wrong_type_is_the_callers_mistake(engine: tuple[int, Path]) -> None:
    body = json.dumps({"prompt": "a", "temperature": "hot"}).encode()
    error = ENGINE.explain_refusal(*call(engine[1], "POST", "/v1/completions", body))
    assert type(error) is InvalidRequestError


def test_a_generating_model_refuses_to_embed(engine: tuple[int, Path]) -> None:
    error = ENGINE.explain_refusal(*ask(engine[1], question(Kind.EMBEDDING)))
    assert type(error) is CannotEmbedError


def test_metrics_are_on_and_the_web_page_is_off(engine: tuple[int, Path]) -> None:
    assert b"llamacpp:requests_processing" in call(engine[1], "GET", "/metrics")[1]
    assert call(engine[1], "GET", "/")[0] == 404


def test_an_embedding_model_embeds_each_text(tmp_path: Path) -> None:
    request = Request("1", REF, Kind.EMBEDDING, inputs=("hello", "you"))
    with serving(tmp_path, "tiny_embed") as (_, where):
        status, body = ask(where, request)
    assert status == 200
    assert [len(item["embedding"]) for item in json.loads(body)["data"]] == [256, 256]


def test_a_text_too_long_to_embed_is_an_overflow(tmp_path: Path) -> None:
    request = Request("1", REF, Kind.EMBEDDING, inputs=("ka " * 3000,))
    with serving(tmp_path, "tiny_embed") as (_, where):
        error = ENGINE.explain_refusal(*ask(where, request))
    assert type(error) is ContextOverflowError
    assert re.search(r"has \d{4} tokens", error.message)


def test_the_child_reports_each_stage_and_ends_with_its_parent(tmp_path: Path) -> None:
    with spawn(plan_of(write_model(tmp_path / "m.gguf")), tmp_path / "e.sock") as child:
        stages = ["started", "imported", "loading", "listening"]
        assert reports_until(child, "listening") == stages
        assert child.stdin is not None
        child.stdin.close()
        child.wait(WAIT_S)


@pytest.mark.parametrize("stage", ["started", "loading", "listening"])
def test_sigterm_ends_the_child_at_any_stage(tmp_path: Path, stage: str) -> None:
    with spawn(plan_of(write_model(tmp_path / "m.gguf")), tmp_path / "e.sock") as child:
        reports_until(child, stage)
        child.terminate()
        assert child.wait(WAIT_S) == -signal.SIGTERM


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part of the promise is Linux's")
def test_a_parent_lost_during_the_load_ends_the_child(tmp_path: Path) -> None:
    """A FIFO for a model: the engine waits for it with the interpreter's lock held."""
    plan = plan_of(write_model(tmp_path / "m.gguf"))
    (tmp_path / "m.gguf").unlink()
    os.mkfifo(tmp_path / "m.gguf")
    with spawn(plan, tmp_path / "e.sock") as child:
        reports_until(child, "loading")
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(WAIT_S) == -signal.SIGIO


def test_a_stream_that_its_client_leaves_frees_its_slot(engine: tuple[int, Path]) -> None:
    where = engine[1]
    for _ in range(SLOTS * 3):
        wire = ENGINE.translate(question(Kind.COMPLETION, max_tokens=480))
        connection = OverSocket(where)
        connection.request("POST", wire.path, wire.body)
        assert select.select([connection.sock], [], [], WAIT_S)[0]
        connection.close()
    assert ask(where, question(Kind.COMPLETION))[0] == 200
