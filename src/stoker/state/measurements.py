"""What real loads and answers took, one line each, in a private file of the home.

Owns the lines' form, the file's bound and its safety: several processes append to it under a lock,
at `FILE_BYTES_MAX` it becomes the older one of two, and a line that cannot be read is passed over.
Writing happens beside the event loop, one line at a time; what comes faster is dropped.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from stoker.core.estimate import Interval
from stoker.core.measurement import (
    AnswerMeasured,
    LoadMeasured,
    RunKey,
    identity_of,
    key_of,
)
from stoker.core.model import ModelRef
from stoker.core.outcome import promised
from stoker.core.plan import Plan
from stoker.core.request import ColdStart, Timings, Usage
from stoker.core.speed import Speed
from stoker.files.locks import lock_open

VERSION = 2
FILE_BYTES_MAX = 4 << 20
LINE_BYTES_MAX = 4096
# The first answers of a process are all worth keeping; later ones now and then.
EAGER_ANSWERS = 32
EAGER_S, LATER_S = 0.5, 30.0
WAITING_MAX = 16
KEPT_MAX = 256
# A line takes microseconds to write: who waits longer than this for the others drops its own.
LOCK_WAIT_S, _POLL_S = 1.0, 0.01
# As `to_line` writes it.
_KIND_AND_MODEL = re.compile(rb'"kind":"(load|answer)","key":\{"model":"([^"\\]{1,128})"')

Record = LoadMeasured | AnswerMeasured


@dataclass(slots=True)
class _Seen:
    answers: int = 0
    last_s: float = float("-inf")


class MeasurementLog:
    """The recorder that appends to the file `path`, on a thread of its own.

    `predicted` has by model what was promised of it; each run keeps what of that is about it.
    `conditions` tells those of every key, and is asked once, on that thread.
    `now_s` is a monotonic clock and `unix_s` the time of day, in seconds.
    """

    def __init__(
        self,
        path: Path,
        predicted: Mapping[ModelRef, Speed] | None = None,
        now_s: Callable[[], float] = time.monotonic,
        unix_s: Callable[[], float] = time.time,
        conditions: Callable[[], str] = str,
    ) -> None:
        self._path = path
        self._predicted = predicted or {}
        self._conditions = cache(conditions)
        self._now_s, self._unix_s = now_s, unix_s
        self._seen: dict[str, _Seen] = {}
        self._writer = ThreadPoolExecutor(1, "stoker-measurements")
        self._waiting: set[Future[None]] = set()
        self.dropped = 0

    def loaded(self, plan: Plan, parts: ColdStart, disk_bytes: int | None) -> None:
        """Append the load."""
        size, at = plan.model.facts.file_bytes, int(self._unix_s())
        self._post(plan, LoadMeasured(key_of(plan, ""), at, size, disk_bytes, parts))

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
        at = int(self._unix_s())
        self._post(plan, AnswerMeasured(key_of(plan, ""), at, usage, timings, *streams))

    def flush(self) -> None:
        """Return once everything that was told is in the file, or was dropped."""
        wait(set(self._waiting))

    def _post(self, plan: Plan, record: Record) -> None:
        if len(self._waiting) >= WAITING_MAX:
            self.dropped += 1
            return
        try:
            kept = replace(record, predicted=promised(self._predicted.get(plan.model.ref), record))
            future = self._writer.submit(self._append, kept)
        except RuntimeError:  # the program is ending: nobody takes work any more
            self.dropped += 1
            return
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)

    def _append(self, record: Record) -> None:
        try:
            key = replace(record.key, conditions=self._conditions())
            append(self._path, to_line(replace(record, key=key)))
        except OSError:  # a full disk, a folder that is gone: an answer is worth more than its line
            self.dropped += 1


def append(path: Path, line: bytes) -> None:
    """Append `line` to `path`, which becomes `path.1` first where it would grow too large.

    Raises:
        OSError: it cannot be written; others have been writing to it for `LOCK_WAIT_S`.
    """
    with _locked(path) as handle:
        if os.fstat(handle).st_size + len(line) <= FILE_BYTES_MAX:
            os.write(handle, line)
            return
        path.replace(older(path))
    with _locked(path) as handle:
        os.write(handle, line)


def older(path: Path) -> Path:
    """Where the lines before those of `path` are."""
    return path.with_name(f"{path.name}.1")


class Measurements:
    """What the log at `path` told when it was first asked: read once, for however many models.

    Without a path it tells nothing.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._found: dict[str, tuple[Record, ...]] = {}

    def of(self, model: str) -> tuple[Record, ...]:
        """The last `KEPT_MAX` loads and as many answers of `model`, each the oldest first.

        `model` is what `identity_of` gives.
        """
        if model not in self._found:
            kinds = [self._index.get((kind, model.encode()), ()) for kind in (b"load", b"answer")]
            self._found[model] = tuple(record for lines in kinds for record in _last(lines, model))
        return self._found[model]

    @cached_property
    def _index(self) -> Mapping[tuple[bytes, bytes], Sequence[bytes]]:
        """The lines by kind and model, none of them parsed."""
        index: dict[tuple[bytes, bytes], list[bytes]] = {}
        files = () if self._path is None else (older(self._path), self._path)
        for file in files:
            for line in _lines(file):
                if match := _KIND_AND_MODEL.search(line):
                    index.setdefault((match[1], match[2]), []).append(line)
        return index


def _last(lines: Sequence[bytes], model: str) -> list[Record]:
    """The last `KEPT_MAX` of `lines` that can be read; those before them are left alone."""
    read = (from_line(line) for line in reversed(lines))
    found = islice((one for one in read if one and one.key.model == model), KEPT_MAX)
    return list(found)[::-1]


def read_measurements(path: Path, model: str) -> tuple[Record, ...]:
    """`Measurements.of`, for who asks about one model only."""
    return Measurements(path).of(model)


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


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """`path` opened for appending, under the lock of the file that has this name now.

    Raises:
        OSError: it cannot be opened, or others held it for `LOCK_WAIT_S`.
    """
    handle = _wait_lock(path)
    try:
        yield handle
    finally:
        os.close(handle)


def _wait_lock(path: Path) -> int:
    deadline = time.monotonic() + LOCK_WAIT_S
    while (handle := _try_lock(path)) is None:
        if time.monotonic() >= deadline:
            raise TimeoutError(errno.ETIMEDOUT, "others are writing to it", str(path))
        time.sleep(_POLL_S)
    return handle


def _try_lock(path: Path) -> int | None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if lock_open(handle, path):
            return handle
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from (line for line in file.read(2 * FILE_BYTES_MAX).split(b"\n") if line)
    except OSError:
        return
