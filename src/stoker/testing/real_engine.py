"""The real engine's process for one model file, asked without a worker; for tests of files."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stoker.core.model import LocalModel, ModelRef
from stoker.core.plan import Plan
from stoker.engines.llamacpp.adapter import LlamaCppEngine
from stoker.models.facts import read_facts

WAIT_S = 30
_CONTEXT = 512


class _OverSocket(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("engine", timeout=WAIT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(WAIT_S)
        self.sock.connect(str(self._path))


class RealEngine:
    """One engine that listens at the socket `where`."""

    def __init__(self, where: Path) -> None:
        self._where = where

    def ask(self, path: str, body: Any) -> Any:
        """What the engine answers to `body` at `path`.

        Raises:
            RuntimeError: it refused.
        """
        connection = _OverSocket(self._where)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {data[:200]!r}")
        return json.loads(data)

    def tokens(self, text: str, *, special: bool = False, around: bool = False) -> list[int]:
        """The numbers of `text`'s tokens.

        `special` tokens in it are taken as such; `around` adds what is put around a text.
        """
        body = {"content": text, "parse_special": special, "add_special": around}
        return [int(number) for number in self.ask("/tokenize", body)["tokens"]]


@contextmanager
def real_engine(path: Path) -> Iterator[RealEngine]:
    """The engine with the model `path` loaded, on one thread; it ends with the block.

    Raises:
        RuntimeError: it could not load the model.
    """
    engine = LlamaCppEngine()
    model = LocalModel(ModelRef("model"), path, read_facts(path))
    with tempfile.TemporaryDirectory(prefix="stoker-engine-") as folder:
        where = Path(folder) / "e.sock"
        launch = engine.launch(Plan(model, "llamacpp", _CONTEXT, 1, threads=1), where)
        child = subprocess.Popen(
            [sys.executable, "-m", launch.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **launch.environment},
        )
        with child:
            try:
                _wait(child, engine, launch.spec)
                yield RealEngine(where)
            finally:
                child.kill()


def _wait(child: subprocess.Popen[bytes], engine: LlamaCppEngine, spec: Any) -> None:
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("the engine has no pipes")
    child.stdin.write(json.dumps(dict(spec)).encode() + b"\n")
    child.stdin.flush()
    for line in child.stdout:
        report = engine.read_report(line.decode().rstrip("\n"))
        if report is not None and report.stage == "listening":
            return
    raise RuntimeError("the engine could not load the model")
