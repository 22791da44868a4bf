"""Fetching a model: `stoker pull`, against `curl -o` of the same file.

    python benchmarks/pull.py [--quick]

Both fetch from one server process on loopback, which sends with `sendfile`; both run as whole
processes, in turns. The file has random bytes and no holes, but for the header that makes it a
model. `stoker pull` also hashes every byte, checks the header, brings the file to the disk and
names it; `curl` writes the file and leaves the rest to the system.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness import AT_LEAST, Result, Row, main, median, pairwise
from stoker.core.units import GIB, MIB

PIECE_BYTES = 16 * MIB
ASKED = 0.8
COLUMNS = 1024
PROGRAM = "from stoker.cli.pull import command; command()"
SERVER = """
import asyncio
import sys
from aiohttp import web

async def send(request):
    return web.FileResponse(sys.argv[1])

async def serve():
    app = web.Application()
    app.router.add_get("/m.gguf", send)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()

asyncio.run(serve())
"""
NOTES = [
    "bytes a second of whole processes, in turns, from one server on loopback",
    "the limit is on the median of the quotients of the pairs; the server shares the cores",
    "Stoker's time has the start of Python, every byte hashed, and the file on the disk",
]


def measure(quick: bool) -> Result:
    if shutil.which("curl") is None:
        sys.exit("curl is not installed, and there is nothing to measure against")
    size_bytes = (1 if quick else 2) * GIB
    rounds = 4 if quick else 8
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        model = write_model(folder / "served.gguf", size_bytes)
        with serving(model) as url:
            ours, theirs = take_turns(folder, url, rounds)
    quotient = pairwise(ours, theirs, lambda one, other: other / one)
    rates = [size_bytes / median(times) / MIB for times in (ours, theirs)]
    name = f"{size_bytes // GIB} GiB, MiB/s"
    row = Row(name, rates[0], rates[1], quotient, "of curl's rate", AT_LEAST, ASKED)
    return Result("pull", "curl", [row], notes=NOTES, parts={"seconds": [ours, theirs]})


def write_model(path: Path, size_bytes: int) -> Path:
    """A model of about `size_bytes`: a header, and one tensor of random bytes."""
    rows = size_bytes // (2 * COLUMNS)
    with path.open("wb") as file:
        file.write(header(rows))
        file.write(bytes(-file.tell() % 32))
        left = rows * 2 * COLUMNS
        while left:
            left -= file.write(os.urandom(min(PIECE_BYTES, left)))
    return path


def header(rows: int) -> bytes:
    """The header of a model with one tensor of 16-bit floats."""
    sizes = ("context_length", "block_count", "embedding_length")
    pairs = [_string("general.architecture") + struct.pack("<I", 8) + _string("llama")]
    pairs += [_string(f"llama.{size}") + struct.pack("<II", 4, COLUMNS) for size in sizes]
    tensor = _string("token_embd.weight") + struct.pack("<IQQIQ", 2, COLUMNS, rows, 1, 0)
    return b"GGUF" + struct.pack("<IQQ", 3, 1, len(pairs)) + b"".join(pairs) + tensor


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


@contextmanager
def serving(path: Path) -> Iterator[str]:
    """The address of a server process that sends `path`, for a block."""
    argv = [sys.executable, "-c", SERVER, str(path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None  # noqa: S101 - a pipe, as asked
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}/m.gguf"
        finally:
            server.terminate()


def take_turns(folder: Path, url: str, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each side; who goes first changes from pair to pair."""
    home, fetched = folder / "home", folder / "curl"
    environment = {**os.environ, "STOKER_HOME": str(home)}
    sides: tuple[tuple[list[str], list[float]], ...] = (
        ([sys.executable, "-c", PROGRAM, url, "--as", "m", "--json"], []),
        (["curl", "-sS", "-o", str(fetched), url], []),
    )
    for turn in range(rounds + 1):
        for argv, times in sides if turn % 2 else reversed(sides):
            taken_s = seconds(argv, environment)
            shutil.rmtree(home, ignore_errors=True)
            fetched.unlink(missing_ok=True)
            if turn:  # the first pair brings the file into the page cache
                times.append(taken_s)
    return sides[0][1], sides[1][1]


def seconds(argv: Sequence[str], environment: Mapping[str, str]) -> float:
    """How long a command takes; it must succeed."""
    began_s = time.perf_counter()
    subprocess.run(argv, env=dict(environment), check=True, capture_output=True)
    return time.perf_counter() - began_s


if __name__ == "__main__":
    main(measure, __doc__)
