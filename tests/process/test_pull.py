"""`stoker pull` as processes: killed, interrupted, and two of them for the same file."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.models.catalogue import STARTER_FOLDER
from stoker.models.download.journal import Journal
from stoker.models.storing.store import Store
from stoker.models.storing.verifying import choose_all, verify
from stoker.testing.running import COMMAND
from support import watching
from support.file_server import Answer, Asked, FileServer, Twist, honest, serving

pytestmark = pytest.mark.slow
DATA = (STARTER_FOLDER / "starter.gguf").read_bytes()  # two pieces
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"
PIECE = 8 << 20
DEADLINE_S = 20.0


@pytest.fixture
async def server() -> AsyncIterator[FileServer]:
    async with serving(FileServer(DATA)) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "home" / "models")
    made.parts.mkdir(parents=True)
    return made


async def pull(store: Store, url: str, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(COMMAND, "pull", url, *words),
        env={**os.environ, "STOKER_HOME": str(store.root.parent)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    return process.returncode, out.decode(), err.decode()


def stalling(at: int) -> Twist:
    """The second piece stalls after `at` bytes."""

    def twist(_asked: Asked, answer: Answer, count: int) -> Answer:
        return replace(answer, stall_at=at) if count == 1 else answer

    return twist


def written_down(store: Store) -> int:
    """How many bytes the one journal says are there."""
    for path in store.parts.glob("*.json"):
        journal = Journal.from_json(path.read_bytes())
        return sum(end - start for start, end in journal.done) if journal else 0
    return 0


async def until(store: Store, holds: Callable[[], bool]) -> None:
    await watching.until(store.parts, holds, DEADLINE_S)


async def test_killed_midway_it_goes_on_with_what_is_missing(
    server: FileServer, store: Store
) -> None:
    half = 1 << 20
    server.twist = stalling(half)
    process = await pull(store, f"{server.url}/shop.gguf")
    await server.stalled.wait()
    await until(store, lambda: written_down(store) == PIECE + half)
    process.kill()
    assert (await ended(process))[0] == -signal.SIGKILL
    assert store.manifests() == ()
    assert verify(store, choose_all(store)).files == 0
    server.twist = honest
    server.asked.clear()
    code, out, _ = await ended(await pull(store, f"{server.url}/shop.gguf"))
    assert code == 0
    assert out.startswith("shop  10.1 MiB  F16")
    assert [one.range for one in server.gets] == [(PIECE + half, len(DATA) - 1)]
    assert store.manifests()[0].model.digest == DIGEST
    assert verify(store, choose_all(store)).findings == ()
    assert list(store.parts.iterdir()) == []


@pytest.mark.parametrize("form", ["people", "programs"])
async def test_ctrl_c_leaves_what_came_and_says_how_to_go_on(
    server: FileServer, store: Store, form: str
) -> None:
    server.twist = stalling(1000)
    url = f"{server.url}/shop.gguf"
    json_words = ["--json"] if form == "programs" else []
    process = await pull(store, url, "--as", "my-shop", *json_words)
    await server.stalled.wait()
    await until(store, lambda: written_down(store) >= PIECE)
    process.send_signal(signal.SIGINT)
    code, out, err = await ended(process)
    assert code == 130
    kept = written_down(store)
    assert kept == PIECE + 1000
    assert f"hint: stoker pull {url} --as my-shop goes on from there" in err
    assert "Traceback" not in err
    if form == "programs":
        assert json.loads(out.splitlines()[-1]) == {"event": "interrupted", "kept_bytes": kept}
    server.twist = honest
    server.asked.clear()
    assert (await ended(await pull(store, url)))[0] == 0
    assert server.bytes_asked == len(DATA) - kept


async def test_two_pulls_of_the_same_file_fetch_it_once(server: FileServer, store: Store) -> None:
    server.twist = stalling(1000)
    url = f"{server.url}/shop.gguf"
    first = await pull(store, url, "--as", "one")
    await server.stalled.wait()
    second = await pull(store, url, "--as", "two")
    assert second.stderr is not None
    words = b""
    while b"waiting for it" not in words:
        words += await asyncio.wait_for(second.stderr.readline(), DEADLINE_S)
    server.go.set()
    assert [(await ended(one))[0] for one in (first, second)] == [0, 0]
    assert server.bytes_asked == len(DATA)
    assert [str(one.ref) for one in store.manifests()] == ["one", "two"]


async def test_the_one_that_waited_takes_over_from_the_one_that_was_killed(
    server: FileServer, store: Store
) -> None:
    server.twist = stalling(1000)
    url = f"{server.url}/shop.gguf"
    first = await pull(store, url, "--as", "one")
    await server.stalled.wait()
    second = await pull(store, url, "--as", "two")
    await until(store, lambda: written_down(store) == PIECE + 1000)
    first.kill()
    await ended(first)
    assert (await ended(second))[0] == 0
    assert server.gets[-1].range == (PIECE + 1000, len(DATA) - 1)


async def test_a_source_that_is_away_is_an_error_with_its_own_code(store: Store) -> None:
    async with serving(FileServer(DATA)) as gone:
        gone.twist = lambda _a, _answer, _c: Answer(404, {"Content-Length": "0"})
        code, out, err = await ended(await pull(store, f"{gone.url}/m.gguf?sig=s3cret"))
    assert (code, out) == (4, "")
    assert err.startswith("error: http://127.0.0.1")
    assert "hint: " in err
    assert "s3cret" not in err
