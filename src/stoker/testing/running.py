"""A service as a process of its own, for tests: started, listened to, always ended.

Owns the process and what it says on its standard error. What is asked of it is the test's.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stoker.client import ServiceClient
from stoker.state.home import Home

_ANNOUNCED = re.compile(r"listens on (http://\S+)")
COMMAND = str(Path(sys.executable).with_name("stoker"))
STUB_SERVICE = (sys.executable, "-P", "-m", "stoker.testing.stub_service")
_START_S = 20.0
_POLL_S = 0.002


class RunningService:
    """The process that `arguments` start; `url` is where it listens, `home` its folder.

    Raises:
        TimeoutError: it did not announce itself; its words are in the message.
    """

    def __init__(
        self, arguments: list[str], home: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.home = home
        self._lines: list[str] = []
        self._heard = threading.Condition()
        self.process = subprocess.Popen(
            arguments,
            env={**os.environ, "STOKER_HOME": str(home), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.url = self.wait_line(_ANNOUNCED)[1]
        except TimeoutError:
            self.end()
            raise

    @property
    def log(self) -> str:
        """Everything it said so far."""
        with self._heard:
            return "".join(self._lines)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return urlsplit(self.url).port or 0

    def wait_line(self, pattern: re.Pattern[str], timeout_s: float = _START_S) -> re.Match[str]:
        """The first match of `pattern` in what it says.

        Raises:
            TimeoutError: it did not say so in time, or has ended.
        """
        with self._heard:
            self._heard.wait_for(
                lambda: pattern.search("".join(self._lines)) or not self._alive(), timeout_s
            )
            found = pattern.search("".join(self._lines))
        if found is None:
            raise TimeoutError(f"the service did not say {pattern.pattern}: {self.log}")
        return found

    def models(self) -> list[dict[str, Any]]:
        """What its owner sees of its models."""
        return ServiceClient(Home(self.home)).models()

    def wait_models(
        self, wanted: Callable[[dict[str, Any]], bool], timeout_s: float = 10.0
    ) -> float:
        """Seconds until `wanted` holds for the first model, as its owner sees it.

        Raises:
            TimeoutError: it did not come to hold; the last view is in the message.
        """
        began = time.monotonic()
        while not wanted(row := self.models()[0]):
            if time.monotonic() - began > timeout_s:
                raise TimeoutError(f"the model is {row}")
            time.sleep(_POLL_S)
        return time.monotonic() - began

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Status and JSON body of one request."""
        sent = json.dumps(body) if isinstance(body, dict) else body
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, sent, dict(headers or {}))
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def children(self) -> list[int]:
        """The process ids of its workers."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(word) for word in path.read_text().split()]

    def stop(self, timeout_s: float = 20.0) -> int:
        """SIGTERM, and its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def end(self) -> None:
        """Kill it if it still runs, and let go of its pipe."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stderr is not None  # noqa: S101 - a pipe, as asked
        self.process.stderr.close()

    def _alive(self) -> bool:
        return self.process.poll() is None

    def _read(self) -> None:
        assert self.process.stderr is not None  # noqa: S101 - a pipe, as asked
        for line in self.process.stderr:
            with self._heard:
                self._lines.append(line)
                self._heard.notify_all()
        self.process.wait()
        with self._heard:
            self._heard.notify_all()
