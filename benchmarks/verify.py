"""Checking a stored file again: `stoker verify`, against `sha256sum` on the same file.

    python benchmarks/verify.py [--quick]

The file has random bytes and no holes, and lies in the page cache; both sides run as whole
processes, in turns. `stoker verify --json` is run as a user would run it, start of Python included.
"""

from __future__ import annotations

import hashlib
import operator
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import AT_MOST, Result, Row, main, median, pairwise
from stoker.core.model import ModelRef
from stoker.core.units import MIB
from stoker.models.storing.manifest import Layer, Manifest
from stoker.models.storing.store import Store
from stoker.state.home import Home

PIECE_BYTES = 16 * MIB
PROGRAM = "from stoker.cli.verify import command; command()"
NOTES = [
    "seconds of whole processes, in turns, on one file of random bytes in the page cache",
    "the limit is on the median of the quotients of the pairs",
]


def measure(quick: bool) -> Result:
    size_bytes = (256 if quick else 512) * MIB
    rounds = 4 if quick else 10
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder)).prepare()
        blob = fill(Store(home.models), size_bytes)
        ours, theirs = take_turns(home, blob, rounds)
    quotient = pairwise(ours, theirs, operator.truediv)
    name = f"{size_bytes // MIB} MiB"
    row = Row(name, median(ours), median(theirs), quotient, "times", AT_MOST, 1.3)
    rates = {"stoker": size_bytes / median(ours), "sha256sum": size_bytes / median(theirs)}
    return Result("verify", "sha256sum", [row], notes=NOTES, parts={"bytes_per_s": rates})


def fill(store: Store, size_bytes: int) -> Path:
    """A stored model of random bytes, and where it lies."""
    store.parts.mkdir(parents=True)
    part = store.parts / "random"
    state = hashlib.sha256()
    with part.open("wb") as file:
        for _ in range(size_bytes // PIECE_BYTES):
            piece = os.urandom(PIECE_BYTES)
            state.update(piece)
            file.write(piece)
    digest = f"sha256:{state.hexdigest()}"
    blob = store.adopt(part, digest, hashed=True)
    layer = Layer(digest, size_bytes, "model", "random.gguf")
    store.put(Manifest(ModelRef("random"), "here", (layer,), 0, {}))
    return blob


def take_turns(home: Home, blob: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each side; who goes first changes from pair to pair."""
    sides: tuple[tuple[list[str], list[float]], ...] = (
        ([sys.executable, "-c", PROGRAM, "--json"], []),
        (["sha256sum", str(blob)], []),
    )
    environment = {**os.environ, "STOKER_HOME": str(home.root)}
    for turn in range(rounds + 1):
        for argv, times in sides if turn % 2 else reversed(sides):
            taken_s = seconds(argv, environment)
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
