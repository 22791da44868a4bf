"""A model file run by the engine in a process of its own, asked over HTTP.

Owns starting and stopping that process. Greedy answers only; the tests of the runtime proper live
elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

CONTEXT = 1024
START_TIMEOUT_S = 60


def _serve(path: str, ready: Connection) -> None:
    """The child: load the file, tell the address, and wait for the parent to close the pipe."""
    import xllamacpp  # noqa: PLC0415 - the parent must not load the engine

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.kv_unified = False
    params.fit_params = False
    params.cache_ram_mib = 0
    params.cpuparams.n_threads = 1  # its threads spin, and the model is small
    server = xllamacpp.Server(params)
    ready.send(server.listening_address)
    with contextlib.suppress(EOFError):
        ready.recv()
    os._exit(0)  # the engine's destructor may hang, and nothing is left to save


@dataclass(frozen=True)
class Engine:
    """The address of a running engine."""

    url: str

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send JSON and return the answer's JSON."""
        data = json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - the address is the child's own
            self.url + path, data, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as reply:  # noqa: S310 - as above
            result: dict[str, Any] = json.load(reply)
        return result

    def chat(self, messages: list[dict[str, str]], max_tokens: int = 160) -> str:
        """The greedy answer to a conversation."""
        body = {"messages": messages, "temperature": 0, "max_tokens": max_tokens}
        reply = self.post("/v1/chat/completions", body)
        content: str = reply["choices"][0]["message"]["content"]
        return content


@contextlib.contextmanager
def running(path: Path) -> Iterator[Engine]:
    """Run the engine with a model file for the length of the block."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    os.environ["GGML_NO_BACKTRACE"] = "1"
    child = context.Process(target=_serve, args=(str(path), there), daemon=True)
    child.start()
    there.close()
    try:
        if not here.poll(START_TIMEOUT_S):
            raise TimeoutError(f"the engine did not load {path.name}")
        yield Engine(here.recv())
    finally:
        here.close()
        child.join(10)
        child.kill()
