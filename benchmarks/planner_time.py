"""How long a plan takes that somebody waits for: the whole command, from start to end.

A local model with a large vocabulary, and the same file on a web server on loopback, of which the
header alone is read. The home is lived in: the machine was measured and calibrated, and the log of
runs is full, with many of the model that is planned. Nothing else runs meanwhile.
"""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from harness import AT_MOST, Row, median
from lived_in import fill
from models import half_b

COMMAND = str(Path(sys.executable).with_name("stoker"))
LOCAL_MS, FAR_MS = 500, 1500
ROUNDS, QUICK_ROUNDS = 9, 3


def time_rows(quick: bool) -> list[Row]:
    """Milliseconds of `stoker plan`, near and far."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    with tempfile.TemporaryDirectory(prefix="stoker-bench-") as home, half_b() as path:
        environment = {**os.environ, "STOKER_HOME": home}
        fill(Path(home), path)
        _check(str(path), environment)
        near = _times(str(path), rounds, environment)
        with _serving(path.parent) as url:
            far = _times(f"{url}/{path.name}", rounds, environment)
    return [
        Row("plan of a local model, 0.5B shape", near, None, near, "ms", AT_MOST, LOCAL_MS),
        Row("plan of the same by its header from afar", far, None, far, "ms", AT_MOST, FAR_MS),
    ]


def _times(model: str, rounds: int, environment: dict[str, str]) -> float:
    """The median, after one that warms the caches."""
    found = [_time(model, environment) for _ in range(rounds + 1)]
    return median(found[1:])


def _time(model: str, environment: dict[str, str]) -> float:
    argv = [COMMAND, "plan", model, "--json"]
    began = time.perf_counter()
    subprocess.run(argv, env=environment, check=True, capture_output=True)
    return 1000 * (time.perf_counter() - began)


def _check(model: str, environment: dict[str, str]) -> None:
    """That the plan rests on what the home knows: else it would take no time to read it.

    Raises:
        ValueError: it does not.
    """
    argv = [COMMAND, "plan", model, "--json"]
    done = subprocess.run(argv, env=environment, check=True, capture_output=True)
    sources = json.loads(done.stdout)["speed"]["sources"]
    if sources["decode_tok_s"] != "measured":
        raise ValueError(f"the plan does not use the measurements: {sources}")


class _Ranges(http.server.SimpleHTTPRequestHandler):
    """Files with the one range that a header's reader asks for."""

    def do_GET(self) -> None:
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        path = Path(self.translate_path(self.path))
        size = path.stat().st_size
        end = min(int(last or size - 1), size - 1)
        with path.open("rb") as file:
            file.seek(int(first))
            data = file.read(end - int(first) + 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{end}/{size}")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    handler = partial(_Ranges, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
