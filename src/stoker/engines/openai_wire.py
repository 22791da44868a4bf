"""Reading an OpenAI-dialect stream of server-sent events: bytes in, core events out.

Owns the shapes of chat and completion chunks, and what llama.cpp adds to them (`prompt_progress`,
`timings`). Knows no connection: whoever has the bytes feeds them, cut wherever they were cut.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from stoker.core.errors import EngineError
from stoker.core.request import Event, Finish, Prefill, Text, Timings, Usage

EVENT_BYTES_MAX = 1 << 20
HELD_BYTES_MAX = 1 << 18
_DONE = b"[DONE]"
_TIMINGS = b'"timings"'
_WORDS_LIMIT = 300


class EventReader:
    """Turns the bytes of one stream into events; any cut of the same bytes gives the same events.

    `created` is when the engine says the answer began, in Unix seconds; 0 until it has said so.
    `finished` is true once `[DONE]` was read: a stream that ends before it is broken.
    """

    def __init__(self) -> None:
        self.created = 0
        self.finished = False
        self._line = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._reason: str | None = None
        self._prefill = Prefill(0, 0, 0)
        self._texts = 0
        self._usage: dict[str, Any] | None = None
        self._timings: dict[str, Any] = {}

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes, in order; what follows `[DONE]` is ignored.

        Raises:
            EngineError: the engine reports an error, or the stream is not of the dialect, or one
                event is larger than `EVENT_BYTES_MAX`.
        """
        events: list[Event] = []
        *ends, rest = chunk.split(b"\n")
        for piece in ends:
            self._take(piece)
            self._end_line(events)
        self._take(rest)
        return events

    def end(self) -> None:
        """Say that no more bytes come.

        Raises:
            EngineError: the stream ended before the answer did.
        """
        if not self.finished:
            raise EngineError("The engine's stream ended before its answer did")

    def _take(self, piece: bytes) -> None:
        if self.finished:
            return
        self._size += len(piece)
        if self._size > EVENT_BYTES_MAX:
            raise EngineError(f"The engine sent an event of more than {EVENT_BYTES_MAX} bytes")
        self._line += piece

    def _end_line(self, events: list[Event]) -> None:
        line = bytes(self._line).removesuffix(b"\r")
        self._line.clear()
        if not line:
            self._dispatch(events)
        elif line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif line.startswith(b"error:"):
            _fail(_decode(line[6:]))

    def _dispatch(self, events: list[Event]) -> None:
        data, self._data, self._size = b"\n".join(self._data), [], 0
        if self.finished or not data:
            return
        if data == _DONE:
            events.append(self._finish())
        else:
            events.extend(self._read(_decode(data)))

    def _read(self, chunk: dict[str, Any]) -> list[Event]:
        if "error" in chunk:
            _fail(chunk)
        self.created = self.created or _count(chunk.get("created"))
        self._usage = _object(chunk.get("usage")) or self._usage
        self._timings = _object(chunk.get("timings")) or self._timings
        choice = _first_choice(chunk)
        self._reason = choice.get("finish_reason") or self._reason
        if progress := _object(chunk.get("prompt_progress")):
            self._prefill = _prefill(progress)
            return [self._prefill]
        text = choice.get("text") or _object(choice.get("delta")).get("content")
        if not text:
            return []
        self._texts += 1
        return [Text(str(text))]

    def _finish(self) -> Finish:
        if self._reason is None:
            raise EngineError("The engine ended its stream without a reason")
        self.finished = True
        return Finish(str(self._reason), self._count_usage(), _measured(self._timings))

    def _count_usage(self) -> Usage:
        """What the engine counted: its usage, else its timings, else what went by."""
        if self._usage is not None:
            details = _object(self._usage.get("prompt_tokens_details"))
            return Usage(
                _count(self._usage.get("prompt_tokens")),
                _count(self._usage.get("completion_tokens")),
                _count(details.get("cached_tokens")),
            )
        if self._timings:
            cached = _count(self._timings.get("cache_n"))
            read = _count(self._timings.get("prompt_n"))
            return Usage(cached + read, _count(self._timings.get("predicted_n")), cached)
        return Usage(self._prefill.total, self._texts, self._prefill.cached)


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """An answer put together; `created` in Unix seconds."""

    text: str
    finish: Finish
    created: int


class Pourable(Protocol):
    """A stream that gives its pieces to a sink; `stoker.workers.link` has the real one."""

    async def pour(self, sink: Callable[[bytes], bool]) -> bool:
        """Give each further piece to `sink`; True at the end, False once `sink` is full."""
        ...


async def assemble(
    stream: Pourable, first: bytes = b"", on_text: Callable[[], None] = lambda: None
) -> WholeAnswer:
    """The whole answer that `first` and the rest of `stream` carry.

    After the first text, at which `on_text` is called, pieces are kept as they come and read
    together: the engine's threads fill the cores, and a task that wakes for each token takes one
    from them.

    Raises:
        EngineError: the engine reports an error, or the stream is broken.
    """
    reader, texts, finish = EventReader(), list[str](), None
    held, ended = bytearray(first), False

    def keep(piece: bytes) -> bool:
        held.extend(piece)
        return bool(texts) and len(held) < HELD_BYTES_MAX

    while True:
        for event in reader.feed(bytes(held)):
            if isinstance(event, Text):
                if not texts:
                    on_text()
                texts.append(event.text)
            elif isinstance(event, Finish):
                finish = event
        held.clear()
        if ended:
            break
        ended = await stream.pour(keep)
    reader.end()
    assert finish is not None  # noqa: S101 - the reader has ended, so it gave one
    return WholeAnswer("".join(texts), finish, reader.created or int(time.time()))


async def read_events(chunks: AsyncIterable[bytes]) -> AsyncIterator[Event]:
    """The events of one stream; the last one is a `Finish`.

    Raises:
        EngineError: the engine reports an error, or the stream is broken.
    """
    reader = EventReader()
    async for chunk in chunks:
        for event in reader.feed(chunk):
            yield event
    reader.end()


def read_figures(tail: bytes) -> tuple[Usage, Timings] | None:
    """What the engine says of an answer in the last pieces of its stream; None if it says nothing.

    Of the tokens, what its timings count.
    """
    for line in reversed(tail.split(b"\n")):
        if not line.startswith(b"data:") or _TIMINGS not in line:
            continue
        with suppress(ValueError, RecursionError):
            timings = _object(_object(json.loads(line[5:])).get("timings"))
            if not timings:
                continue
            cached, read = _count(timings.get("cache_n")), _count(timings.get("prompt_n"))
            usage = Usage(cached + read, _count(timings.get("predicted_n")), cached)
            return usage, _measured(timings)
    return None


def _decode(data: bytes) -> dict[str, Any]:
    try:
        chunk = json.loads(data)
    except (ValueError, RecursionError):
        raise EngineError("The engine sent an event that is not JSON") from None
    if not isinstance(chunk, dict):
        raise EngineError("The engine sent an event that is not an object")
    return chunk


def _fail(chunk: dict[str, Any]) -> NoReturn:
    error = chunk.get("error", chunk)
    message = error.get("message") if isinstance(error, dict) else error
    raise EngineError(str(message or "The engine reports an error")[:_WORDS_LIMIT])


def _first_choice(chunk: dict[str, Any]) -> dict[str, Any]:
    choices = chunk.get("choices")
    return _object(choices[0]) if isinstance(choices, list) and choices else {}


def _prefill(progress: dict[str, Any]) -> Prefill:
    return Prefill(
        _count(progress.get("processed")),
        _count(progress.get("total")),
        _count(progress.get("cache")),
    )


def _measured(timings: dict[str, Any]) -> Timings:
    return Timings(
        _number(timings.get("prompt_ms")) / 1000,
        _number(timings.get("predicted_ms")) / 1000,
        _number(timings.get("prompt_per_second")),
        _number(timings.get("predicted_per_second")),
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
