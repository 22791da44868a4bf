"""The library with the real engine: one process for each runtime, none left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stoker import AsyncLocalModelRuntime, LocalModelRuntime, Message, ModelNotLoadedError
from stoker.core.errors import (
    CannotEmbedError,
    CannotGenerateError,
    ContextOverflowError,
    InvalidRequestError,
    QueueFullError,
    StokerError,
)
from stoker.core.request import Role
from stoker.testing.synthetic import write_model

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def runtime(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOKER_HOME", str(tmp_path_factory.mktemp("library")))
        made = LocalModelRuntime(str(tiny_model), threads=1)
        with made:
            yield made


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_loads_answers_and_lets_go() -> None:
    runtime = LocalModelRuntime("starter", threads=1)
    cold = runtime.load()
    assert cold.total_s > 0
    pid = runtime.statistics().pid
    assert pid is not None
    assert alive(pid)
    answer = runtime.generate("What is the refund policy?", temperature=0, max_tokens=12)
    assert answer.text
    assert answer.usage.completion_tokens <= 12
    with pytest.raises(CannotEmbedError):
        runtime.embed("a")
    runtime.unload()
    runtime.unload()
    assert not alive(pid)


def test_using_it_before_load_and_after_unload_is_an_error_that_says_so(tiny_model: Path) -> None:
    runtime = LocalModelRuntime(str(tiny_model), threads=1)
    with pytest.raises(ModelNotLoadedError):
        runtime.generate("a")
    with pytest.raises(ModelNotLoadedError):
        list(runtime.stream("a"))
    with pytest.raises(ModelNotLoadedError):
        runtime.embed("a")
    with runtime:
        assert runtime.generate("a", max_tokens=1).usage.completion_tokens == 1
    with pytest.raises(ModelNotLoadedError):
        runtime.chat("a")


def test_a_stream_says_what_the_whole_answer_says(runtime: LocalModelRuntime) -> None:
    how = {"temperature": 0.0, "max_tokens": 8}
    assert "".join(runtime.stream("ka", **how)) == runtime.generate("ka", **how).text


def test_messages_may_be_objects_or_mappings(runtime: LocalModelRuntime) -> None:
    how = {"temperature": 0.0, "max_tokens": 8}
    objects = runtime.chat([Message(Role.USER, "ka")], **how)
    mappings = runtime.chat([{"role": "user", "content": "ka"}], **how)
    assert objects.text == mappings.text == runtime.chat("ka", **how).text
    with pytest.raises(InvalidRequestError):
        runtime.chat([{"role": "nobody", "content": "ka"}])
    with pytest.raises(InvalidRequestError, match="warmth"):
        runtime.chat("ka", warmth=1)
    with pytest.raises(ContextOverflowError):
        runtime.chat("ka lo " * 6000)


def test_a_prompt_is_rendered_as_the_models_template_says(runtime: LocalModelRuntime) -> None:
    assert runtime.render("ka") == "user: ka\nassistant: "
    turns = [{"role": "system", "content": "lo"}, {"role": "user", "content": "ka"}]
    assert runtime.render(turns) == "system: lo\nuser: ka\nassistant: "


def test_an_answer_that_may_not_end_is_as_long_as_it_may_be() -> None:
    with LocalModelRuntime("starter", threads=1) as starter:
        answer = starter.generate("What is 2 plus 2?", max_tokens=40, ignore_eos=True)
    assert answer.usage.completion_tokens == 40
    assert answer.finish_reason == "length"


def test_statistics_add_up(runtime: LocalModelRuntime) -> None:
    before = runtime.statistics()
    runtime.generate("ka", max_tokens=5, temperature=0)
    after = runtime.statistics()
    assert after.answers == before.answers + 1
    assert after.completion_tokens == before.completion_tokens + 5
    assert after.state == "ready"
    assert after.memory_bytes
    assert after.cold_start == before.cold_start is not None
    assert after.first_token_s > 0
    assert after.decode_tok_s > 0


def test_breaking_out_of_a_stream_frees_the_slot(runtime: LocalModelRuntime) -> None:
    for _ in runtime.stream("ka", max_tokens=2000, temperature=0):
        break
    pieces = runtime.stream("ka", max_tokens=2000, temperature=0)
    next(pieces)
    pieces.close()
    assert runtime.generate("ka", max_tokens=2).usage.completion_tokens == 2


def test_an_interrupt_within_a_stream_closes_it(runtime: LocalModelRuntime) -> None:
    def interrupted() -> None:
        for _ in runtime.stream("ka", max_tokens=2000, temperature=0):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert runtime.generate("ka", max_tokens=2).usage.completion_tokens == 2


def test_it_may_be_used_from_several_threads(runtime: LocalModelRuntime) -> None:
    texts: list[str] = []

    def ask() -> None:
        texts.append(runtime.generate("ka", max_tokens=6, temperature=0).text)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 6
    assert len(set(texts)) == 1


async def test_async_with_gives_the_form_that_awaits(tiny_model: Path) -> None:
    async with LocalModelRuntime(str(tiny_model), threads=1) as runtime:
        assert isinstance(runtime, AsyncLocalModelRuntime)
        pieces = [p async for p in runtime.stream("ka", max_tokens=4, temperature=0)]
        whole = await runtime.generate("ka", max_tokens=4, temperature=0)
        assert "".join(pieces) == whole.text
        pid = runtime.statistics().pid
    assert pid is not None
    assert not alive(pid)
    with pytest.raises(ModelNotLoadedError):
        await runtime.generate("ka")


@pytest.mark.parametrize("end", ["", "raise SystemExit(0)", "import os; os._exit(0)"])
def test_an_interpreter_that_ends_without_unload_leaves_no_child(
    tiny_model: Path, end: str
) -> None:
    program = (
        "import sys; from stoker import LocalModelRuntime\n"
        "runtime = LocalModelRuntime(sys.argv[1], threads=1); runtime.load()\n"
        f"print(runtime.statistics().pid, flush=True)\n{end}"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tiny_model)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stderr == ""
    pid = int(done.stdout)
    deadline = threading.Event()
    for _ in range(500):
        if not alive(pid):
            break
        deadline.wait(0.01)
    assert not alive(pid)


def test_a_thread_that_would_wait_for_itself_is_told_so() -> None:
    with LocalModelRuntime("starter") as runtime:
        pieces = runtime.stream("Explain all shop policies", temperature=0)
        next(pieces)
        with pytest.raises(QueueFullError, match="earlier answer"):
            runtime.generate("hi")
        pieces.close()
        assert runtime.generate("hi", max_tokens=2).text


def test_an_iterator_that_nobody_reads_does_not_hold_up_the_unload() -> None:
    runtime = LocalModelRuntime("starter")
    runtime.load()
    pieces = runtime.stream("Explain all shop policies", temperature=0)
    next(pieces)
    before = time.monotonic()
    runtime.unload()
    assert time.monotonic() - before < 20  # a drain that waits for it would take its whole 30 s
    assert list(pieces) == []


def test_loads_from_two_threads_make_one_process() -> None:
    runtime = LocalModelRuntime("starter")
    threads = [threading.Thread(target=runtime.load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    pid = runtime.statistics().pid
    runtime.load()
    assert runtime.statistics().pid == pid
    runtime.unload()


def test_a_lost_process_is_replaced_by_the_next_load() -> None:
    with LocalModelRuntime("starter") as runtime:
        first = runtime.statistics().pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        with pytest.raises(StokerError):
            runtime.generate("hi", max_tokens=1)
        runtime.load()
        assert runtime.statistics().pid != first
        assert runtime.generate("hi", max_tokens=2).text


def test_an_embedding_model_is_not_asked_to_write(tmp_path: Path) -> None:
    path = write_model(tmp_path / "mini.gguf", "tiny_embed")
    with LocalModelRuntime(str(path), threads=1) as runtime:
        with pytest.raises(CannotGenerateError):
            runtime.generate("hello")
        with pytest.raises(CannotGenerateError):
            next(runtime.stream("hello"))
        with pytest.raises(ContextOverflowError):
            runtime.embed("ka " * 5000)


def test_no_text_has_no_vector(tmp_path: Path) -> None:
    with (
        LocalModelRuntime(str(write_model(tmp_path / "m.gguf", "tiny_embed")), threads=1) as model,
        pytest.raises(InvalidRequestError),
    ):
        model.embed([])
