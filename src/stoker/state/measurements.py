"""What real loads and answers took, one line each, in a private file of the home.

Owns the lines' form, the file's bound and its safety: several processes append to it under a lock,
at `FILE_BYTES_MAX` it becomes the older one of two, and a line that cannot be read is passed over.
Writing happens beside the event loop, one line at a time; what comes faster is dropped.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stoker.core.estimate import Interval
from stoker.core.measurement import (
    AnswerMeasured,
    LoadMeasured,
    Predicted,
    RunKey,
    identity_of,
    key_of,
)
from stoker.core.model import ModelRef
from stoker.core.plan import Plan
from stoker.core.request import ColdStart, Timings, Usage

VERSION = 1
FILE_BYTES_MAX = 4 << 20
LINE_BYTES_MAX = 4096
# The first answers of a process are all worth keeping; later ones now and then.
EAGER_ANSWERS = 32
EAGER_S, LATER_S = 0.5, 30.0
WAITING_MAX = 16
KEPT_MAX = 512

Record = LoadMeasured | AnswerMeasured


@dataclass(slots=True)
class _Seen:
    answers: int = 0
    last_s: float = float("-inf")


class MeasurementLog:
    """The recorder that appends to the file `path`, on a thread of its own.

    `predicted` has by model what was predicted of it. `now_s` is a monotonic clock and `unix_s`
    the time of day, in seconds.
    """

    def __init__(
        self,
        path: Path,
        predicted: Mapping[ModelRef, Predicted] | None = None,
        now_s: Callable[[], float] = time.monotonic,
        unix_s: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._predicted = predicted or {}
        self._now_s, self._unix_s = now_s, unix_s
        self._seen: dict[str, _Seen] = {}
        self._writer = ThreadPoolExecutor(1, "stoker-measurements")
        self._waiting: set[Future[None]] = set()
        self.dropped = 0

    def loaded(self, plan: Plan, parts: ColdStart, disk_bytes: int | None) -> None:
        """Append the load."""
        size, predicted = plan.model.facts.file_bytes, self._predictions(plan)
        self._post(
            LoadMeasured(key_of(plan), int(self._unix_s()), size, disk_bytes, parts, predicted)
        )

    def wants(self, plan: Plan) -> bool:
        """Whether enough time has passed since the last answer of this model."""
        seen = self._seen.setdefault(identity_of(plan.model.facts), _Seen())
        gap_s = EAGER_S if seen.answers < EAGER_ANSWERS else LATER_S
        return self._now_s() - seen.last_s >= gap_s

    def answered(
        self, plan: Plan, usage: Usage, timings: Timings, streams: tuple[int, int]
    ) -> None:
        """Append the answer."""
        seen = self._seen.setdefault(identity_of(plan.model.facts), _Seen())
        seen.answers += 1
        seen.last_s = self._now_s()
        key, at = key_of(plan), int(self._unix_s())
        self._post(AnswerMeasured(key, at, usage, timings, *streams, self._predictions(plan)))

    def flush(self) -> None:
        """Return once everything that was told is in the file, or was dropped."""
        wait(set(self._waiting))

    def _predictions(self, plan: Plan) -> Predicted:
        return self._predicted.get(plan.model.ref, ())

    def _post(self, record: Record) -> None:
        if len(self._waiting) >= WAITING_MAX:
            self.dropped += 1
            return
        try:
            future = self._writer.submit(self._append, to_line(record))
        except RuntimeError:  # the program is ending: nobody takes work any more
            self.dropped += 1
            return
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)

    def _append(self, line: bytes) -> None:
        try:
            append(self._path, line)
        except OSError:  # a full disk, a folder that is gone: an answer is worth more than its line
            self.dropped += 1


def append(path: Path, line: bytes) -> None:
    """Append `line` to `path`, which becomes `path.1` first where it would grow too large.

    Raises:
        OSError: it cannot be written.
    """
    handle = _locked(path)
    try:
        if os.fstat(handle).st_size + len(line) > FILE_BYTES_MAX:
            path.replace(older(path))
            os.close(handle)
            handle = _locked(path)
        os.write(handle, line)
    finally:
        os.close(handle)


def older(path: Path) -> Path:
    """Where the lines before those of `path` are."""
    return path.with_name(f"{path.name}.1")


def read_measurements(path: Path, model: str) -> tuple[Record, ...]:
    """The last `KEPT_MAX` loads and answers of `model` (see `identity_of`), the oldest first."""
    found = [
        record
        for file in (older(path), path)
        for line in _lines(file, model.encode())
        if (record := from_line(line)) and record.key.model == model
    ]
    return tuple(found[-KEPT_MAX:])


def to_line(record: Record) -> bytes:
    """The line that `from_line` reads, with its end."""
    kind = "load" if isinstance(record, LoadMeasured) else "answer"
    document = {"v": VERSION, "kind": kind, **asdict(record)}
    document["predicted"] = {name: [one.p10, one.p50, one.p90] for name, one in record.predicted}
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def from_line(line: bytes) -> Record | None:
    """What `line` tells; None where it is broken or of another version."""
    try:
        document = json.loads(line)
        if document.pop("v") != VERSION:
            return None
        kind = document.pop("kind")
        document["key"] = RunKey(**document["key"])
        document["predicted"] = tuple(
            (name, Interval(*three)) for name, three in document["predicted"].items()
        )
        return _load(document) if kind == "load" else _answer(document)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _load(document: dict[str, Any]) -> LoadMeasured:
    record = LoadMeasured(**{**document, "parts": ColdStart(**document["parts"])})
    _check(record.parts.total_s, record.file_bytes, record.disk_bytes or 0)
    return record


def _answer(document: dict[str, Any]) -> AnswerMeasured:
    usage, timings = Usage(**document["usage"]), Timings(**document["timings"])
    record = AnswerMeasured(**{**document, "usage": usage, "timings": timings})
    _check(
        *(usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens),
        *(timings.prefill_s, timings.decode_s, record.streams_first, record.streams_last),
    )
    return record


def _check(*figures: float) -> None:
    if not all(0 <= figure < math.inf for figure in figures):
        raise ValueError("a figure is no number, or negative")


def _locked(path: Path) -> int:
    """`path` opened for appending, under the lock of the file that has this name now."""
    while True:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_still(path, handle):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _is_still(path: Path, handle: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(handle).st_ino
    except FileNotFoundError:
        return False


def _lines(path: Path, words: bytes) -> Iterator[bytes]:
    """The lines of `path` that have `words`; none where there is no such file."""
    try:
        with path.open("rb") as file:
            data = file.read(2 * FILE_BYTES_MAX)
    except OSError:
        return
    if words in data:  # mostly a file says nothing of a model: it is not taken apart
        yield from (line for line in data.split(b"\n") if words in line)
