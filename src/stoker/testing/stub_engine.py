"""A tiny real engine program: `python -m stoker.testing.stub_engine`.

Reads its spec from standard input, listens on a Unix socket and answers as an engine does, or
fails in the way its spec asks for. Holds no model and computes nothing.

Beside the OpenAI paths it has control paths: `/stub/slots?wait=N` answers once N slots are busy,
`/stub/hang` makes it stop answering, `/stub/try` tries to leave the cage.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from stoker.testing import stub_answers as answers
from stoker.testing.stub_behaviour import StubBehaviour
from stoker.testing.stub_http import StubCall, StubReply, serve

REPORT = "stub:report "
_GATE_POLL_S = 0.005


def report(stage: str, progress: float | None = None) -> None:
    """Tell the parent how far the start has come."""
    print(REPORT + json.dumps({"stage": stage, "progress": progress}), flush=True)  # noqa: T201


class StubServer:
    """The stub's requests: `slots` at a time, the others wait."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._behaviour = StubBehaviour(**spec["behaviour"])
        self._context: int = spec["context"]
        self._model: str = spec["model"]
        self._free = asyncio.Semaphore(spec["slots"])
        self._busy = 0
        self._changed = asyncio.Condition()
        self._hung = False

    async def handle(self, call: StubCall, reply: StubReply) -> None:
        """Answer one request."""
        if self._hung or call.path == "/stub/hang":
            await self._hang()
        elif call.path == "/stub/slots":
            await self._slots(call, reply)
        elif call.path == "/stub/try":
            await reply.send(200, await asyncio.to_thread(_try, call.json()))
        elif call.path == "/health":
            await reply.send(200, {"status": "ok"})
        elif call.path == "/v1/models":
            await reply.send(200, {"object": "list", "data": [{"id": self._model}]})
        else:
            await self._ask(call, reply)

    async def _hang(self) -> None:
        self._hung = True
        await asyncio.Event().wait()

    async def _slots(self, call: StubCall, reply: StubReply) -> None:
        wanted = call.query.removeprefix("wait=")
        async with self._changed:
            if wanted:
                await self._changed.wait_for(lambda: self._busy == int(wanted))
        await reply.send(200, {"busy": self._busy})

    async def _ask(self, call: StubCall, reply: StubReply) -> None:
        try:
            body = call.json()
            if call.path == answers.EMBEDDING_PATH:
                await reply.send(200, answers.embeddings(body, self._model))
            elif call.path == answers.RENDER_PATH:
                await reply.send(200, answers.rendered(body))
            elif call.path in {answers.CHAT_PATH, answers.COMPLETION_PATH}:
                await self._generate(call.path, body, reply)
            else:
                await reply.send(404, answers.invalid("no such path"))
        except (ValueError, KeyError) as error:
            await reply.send(400, answers.invalid(f"the request makes no sense: {error!r}"))

    async def _generate(self, path: str, body: dict[str, Any], reply: StubReply) -> None:
        prompt_tokens = answers.count_tokens(answers.prompt_text(path, body))
        if self._behaviour.refuse_all:
            await reply.send(400, answers.invalid("refused as asked"))
        elif prompt_tokens > self._context:
            await reply.send(400, answers.overflow(prompt_tokens, self._context))
        else:
            await self._in_slot(path, body, reply, prompt_tokens)

    async def _in_slot(
        self, path: str, body: dict[str, Any], reply: StubReply, prompt_tokens: int
    ) -> None:
        async with self._free:
            await self._count(1)
            try:
                wording = answers.Wording(path, self._model, prompt_tokens)
                await self._stream(wording, body, reply, prompt_tokens)
            finally:
                await asyncio.shield(self._count(-1))

    async def _count(self, change: int) -> None:
        async with self._changed:
            self._busy += change
            self._changed.notify_all()

    async def _stream(
        self,
        wording: answers.Wording,
        body: dict[str, Any],
        reply: StubReply,
        prompt_tokens: int,
    ) -> None:
        how = self._behaviour
        bound = body.get("max_tokens")
        tokens = how.tokens if bound is None else min(how.tokens, bound)
        await reply.begin()
        await self._prefill(wording, body, reply, prompt_tokens)
        for number in range(tokens):
            await self._before_token(number)
            await reply.chunk(wording.text(how.word * how.word_repeat))
        await reply.chunk(wording.finish("length" if tokens == bound else "stop", tokens))
        await reply.end()

    async def _prefill(
        self, wording: answers.Wording, body: dict[str, Any], reply: StubReply, total: int
    ) -> None:
        how = self._behaviour
        steps = how.prefill_chunks if body.get("return_progress") else 0
        for step in range(steps):
            await reply.chunk(wording.prefill(total * step // steps))
        if body.get("max_tokens") != 1:  # the first answer of a start passes every gate
            await _gate(how.prefill_gate)
        if steps:
            await reply.chunk(wording.prefill(total))
        if "messages" in body:
            await reply.chunk(wording.opening())

    async def _before_token(self, number: int) -> None:
        how = self._behaviour
        if number > 0:
            await asyncio.sleep(how.token_s)
            await _gate(how.token_gate)
        if number == how.crash_at_token:
            os.kill(os.getpid(), signal.SIGKILL)
        if number == how.hang_at_token:
            await self._hang()


async def _gate(path: str | None) -> None:
    """Return once the file `path` exists."""
    while not _open(path):  # noqa: ASYNC110 - a file cannot set an event
        await asyncio.sleep(_GATE_POLL_S)


def _open(gate: str | None) -> bool:
    return gate is None or Path(gate).exists()


def _try(what: dict[str, Any]) -> dict[str, str]:
    """The outcome of each attempt to leave the cage: `done`, or the refusal's name."""
    attempts = {
        "connect": lambda: socket.create_connection(("127.0.0.1", what["connect"]), 2).close(),
        "read": lambda: Path(what["read"]).read_bytes(),
        "write": lambda: Path(what["write"]).write_bytes(b"changed"),
        "execute": lambda: os.posix_spawn(what["execute"], [what["execute"]], {}),
        "signal": lambda: os.kill(what["signal"], 0),
        "environment": lambda: os.environ[what["environment"]],
    }
    return {name: _outcome(attempts[name]) for name in what}


def _outcome(attempt: Any) -> str:
    try:
        attempt()
    except (OSError, KeyError) as error:
        return type(error).__name__
    return "done"


def _load(how: StubBehaviour) -> None:
    report("loading", 0.0)
    if how.crash_at_load is not None:
        sys.stderr.write(how.crash_at_load)
        sys.stderr.flush()
        os._exit(1)
    while how.hang_at_load or not _open(how.load_gate):
        time.sleep(_GATE_POLL_S)
    time.sleep(how.load_s)
    report("loading", 1.0)


def _end_with_stdin(how: StubBehaviour) -> None:
    """The life line: when nobody holds the other end of standard input, end at once."""

    def watch() -> None:
        while sys.stdin.buffer.read(1):
            pass
        if not how.ignore_closed_stdin:
            os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


async def _serve(spec: dict[str, Any]) -> None:
    server = await serve(Path(spec["socket"]), StubServer(spec).handle)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    if spec["behaviour"]["ignore_sigterm"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        loop.add_signal_handler(signal.SIGTERM, ended.set)
    report("listening")
    await ended.wait()
    server.close()


def main() -> None:
    """Read the spec, load, listen, and end when told to."""
    report("started")
    spec = json.loads(sys.stdin.buffer.readline())
    report("imported")
    how = StubBehaviour(**spec["behaviour"])
    _end_with_stdin(how)
    _load(how)
    asyncio.run(_serve(spec))
    os._exit(0)


if __name__ == "__main__":
    main()
