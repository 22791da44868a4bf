"""The stream reader: the same bytes give the same events, however they are cut."""

import json
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import EngineError
from stoker.core.request import Event, Finish, Prefill, Text, Timings, Usage
from stoker.engines import openai_wire
from stoker.engines.openai_wire import EventReader, assemble, read_events, read_figures

TIMINGS = {
    "cache_n": 4,
    "prompt_n": 8,
    "prompt_ms": 500.0,
    "prompt_per_second": 16.0,
    "predicted_n": 2,
    "predicted_ms": 250,
    "predicted_per_second": 8,
}
PROGRESS = {"total": 12, "cache": 4, "processed": 12, "time_ms": 3}
FINISH = Finish("length", Usage(12, 2, 4), Timings(0.5, 0.25, 16.0, 8.0))
EVENTS = [Prefill(12, 12, 4), Text("hé"), Text("llo\n"), FINISH]


def sse(*chunks: dict[str, Any]) -> bytes:
    lines = [b"data: " + json.dumps(c, ensure_ascii=False).encode() + b"\n\n" for c in chunks]
    return b"".join(lines) + b"data: [DONE]\n\n"


def chat(delta: dict[str, Any], reason: str | None = None, **rest: Any) -> dict[str, Any]:
    return {"created": 7, "choices": [{"delta": delta, "finish_reason": reason}], **rest}


def text(words: str, reason: str | None = None, **rest: Any) -> dict[str, Any]:
    return {"created": 7, "choices": [{"text": words, "finish_reason": reason}], **rest}


EMPTY = {"role": "assistant", "content": None}
CHAT = sse(
    chat(EMPTY, prompt_progress=PROGRESS),
    chat(EMPTY),
    chat({"content": "hé"}),
    chat({"content": "llo\n"}),
    chat({}, "length", timings=TIMINGS),
)
USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 2,
    "prompt_tokens_details": {"cached_tokens": 4},
}
CHAT_USAGE = sse(
    chat(EMPTY, prompt_progress=PROGRESS),
    chat({"content": "hé"}),
    chat({"content": "llo\n"}),
    chat({}, "length"),
    {"choices": [], "usage": USAGE, "timings": TIMINGS},
)
COMPLETION = sse(
    text("", prompt_progress=PROGRESS),
    text("hé"),
    text("llo\n"),
    text("", "length", usage=USAGE, timings=TIMINGS),
)


def events_of(*chunks: bytes) -> list[Event]:
    reader = EventReader()
    got = [event for chunk in chunks for event in reader.feed(chunk)]
    reader.end()
    return got


@pytest.mark.parametrize("stream", [CHAT, CHAT_USAGE, COMPLETION])
def test_each_shape_gives_the_same_events(stream: bytes) -> None:
    assert events_of(stream) == EVENTS


@given(
    st.sampled_from([CHAT, CHAT_USAGE, COMPLETION]), st.lists(st.integers(0, 2000)), st.booleans()
)
def test_any_cut_gives_the_same_events(
    stream: bytes, cuts: list[int], carriage_returns: bool
) -> None:
    if carriage_returns:
        stream = stream.replace(b"\n\n", b"\r\n\r\n")
    places = [0, *sorted(cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(places)]
    assert events_of(*pieces) == EVENTS


@given(st.binary(max_size=300))
def test_any_bytes_give_events_or_our_error(data: bytes) -> None:
    try:
        events = EventReader().feed(b"data: " + data + b"\n\n")
    except EngineError:
        return
    assert all(isinstance(event, Prefill | Text | Finish) for event in events)


def test_comments_and_foreign_fields_are_passed_over() -> None:
    assert events_of(b": ping\n\nevent: x\nid: 3\n\n" + CHAT) == EVENTS


@pytest.mark.parametrize(
    "stream",
    [
        b'error: {"code":500,"message":"boom"}\n\n',
        b'data: {"error":{"code":500,"message":"boom"}}\n\n',
    ],
)
def test_an_error_in_the_stream_is_raised_with_its_words(stream: bytes) -> None:
    with pytest.raises(EngineError, match="boom"):
        EventReader().feed(stream)


@pytest.mark.parametrize("stream", [b"data: {\n\n", b"data: []\n\n", b"data: [DONE]\n\n"])
def test_what_is_not_of_the_dialect_is_refused(stream: bytes) -> None:
    with pytest.raises(EngineError):
        EventReader().feed(stream)


def test_one_event_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_wire, "EVENT_BYTES_MAX", 100)
    reader = EventReader()
    reader.feed(b"data: " + b"x" * 90)
    with pytest.raises(EngineError, match="more than"):
        reader.feed(b"x" * 20)


def test_many_small_events_do_not_reach_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_wire, "EVENT_BYTES_MAX", 500)
    assert events_of(CHAT) == EVENTS


async def stream_of(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


class Pieces:
    """A stream that is poured out; it remembers how often its reader let go of it."""

    def __init__(self, *pieces: bytes) -> None:
        self.left = list(pieces)
        self.stops = 0

    async def pour(self, sink: Callable[[bytes], bool]) -> bool:
        while self.left:
            if not sink(self.left.pop(0)):
                self.stops += 1
                return False
        return True


@given(cuts=st.lists(st.integers(0, len(CHAT)), max_size=12))
async def test_assemble_puts_the_answer_together_however_it_is_cut(cuts: list[int]) -> None:
    places = sorted({0, len(CHAT), *cuts})
    pieces = [CHAT[begin:end] for begin, end in pairwise(places)]
    told = list[int]()
    whole = await assemble(Pieces(*pieces[1:]), pieces[0], on_text=lambda: told.append(1))
    assert (whole.text, whole.finish, whole.created) == ("héllo\n", FINISH, 7)
    assert told == [1]


async def test_assemble_wakes_for_no_piece_after_the_first_text() -> None:
    pieces = [sse(chat({"content": "a"})).removesuffix(b"data: [DONE]\n\n")] * 50
    stream = Pieces(*pieces, CHAT)
    await assemble(stream)
    assert stream.stops == 1


async def test_assemble_reads_what_it_holds_before_that_grows_without_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(openai_wire, "HELD_BYTES_MAX", 200)
    piece = sse(chat({"content": "a"})).removesuffix(b"data: [DONE]\n\n")
    stream = Pieces(*[piece] * 50, CHAT)
    whole = await assemble(stream)
    assert whole.text == "a" * 50 + "héllo\n"
    assert stream.stops > 10


async def test_a_stream_that_breaks_off_is_an_error() -> None:
    cut = CHAT.removesuffix(b"data: [DONE]\n\n")
    with pytest.raises(EngineError, match="ended before"):
        await assemble(Pieces(cut))
    with pytest.raises(EngineError, match="ended before"):
        _ = [event async for event in read_events(stream_of(cut))]


TIMED = (
    b'{"choices":[],"timings":{"cache_n":2,"prompt_n":8,"prompt_ms":50.0,'
    b'"predicted_n":5,"predicted_ms":400.0}}'
)


def test_the_engines_figures_are_in_the_last_events() -> None:
    tail = b'ntent":"x"}}]}\n\ndata: ' + TIMED + b"\n\ndata: [DONE]\n\n"
    figures = read_figures(tail)
    assert figures is not None
    usage, timings = figures
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) == (10, 5, 2)
    assert (timings.prefill_s, timings.decode_s) == (0.05, 0.4)


@pytest.mark.parametrize(
    "tail",
    [
        b"",
        b"data: [DONE]\n\n",
        b"data: " + TIMED[:-5],
        TIMED,
        b'data: "timings"\n\n' + b"data: [\n",
        b'data: {"timings": []}x',
    ],
)
def test_a_tail_without_figures_says_nothing(tail: bytes) -> None:
    assert read_figures(tail) is None
