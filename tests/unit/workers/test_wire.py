"""The engine's HTTP answer is read right however its bytes are cut, and refused when broken."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.workers.wire import HEAD_BYTES_MAX, HELD_BYTES_MAX, Exchange, WireError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


class Transport:
    def __init__(self) -> None:
        self.aborted, self.reading = False, True

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


def open_exchange() -> Exchange:
    exchange = Exchange()
    exchange.connection_made(Transport())
    return exchange


async def read_all(exchange: Exchange) -> bytes:
    pieces = []
    while piece := await exchange.readany():
        pieces.append(piece)
    return b"".join(pieces)


def chunked(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=6),
    cuts=st.lists(st.integers(0, 300), max_size=8),
)
def test_any_cut_of_a_chunked_answer_gives_the_same_body(
    pieces: list[bytes], cuts: list[int]
) -> None:
    exchange = open_exchange()
    data = CHUNKED + chunked(pieces)
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for begin, end in itertools.pairwise(places):
        exchange.data_received(data[begin:end])
    assert exchange.status == 200
    assert bytes(exchange._held) == b"".join(pieces)
    assert exchange._ended


async def test_an_answer_with_a_length_ends_at_its_length() -> None:
    exchange = open_exchange()
    exchange.data_received(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nabcdef")
    assert exchange.status == 400
    assert await read_all(exchange) == b"abcd"


async def test_an_answer_without_framing_is_never_taken_for_whole() -> None:
    exchange = open_exchange()
    exchange.data_received(HEAD + b"\r\nabc")
    exchange.connection_lost(None)
    with pytest.raises(WireError):
        await read_all(exchange)


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=6),
    room=st.integers(1, 4),
)
def test_pouring_gives_every_byte_once_however_often_the_sink_is_full(
    pieces: list[bytes], room: int
) -> None:
    async def scenario() -> None:
        exchange, got = open_exchange(), list[bytes]()

        def sink(piece: bytes) -> bool:
            got.append(piece)
            return len(got) % room != 0

        async def pour() -> None:
            ended = False
            while not ended:
                ended = await exchange.pour(sink)

        pouring = asyncio.ensure_future(pour())
        for part in (CHUNKED, *(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces), b"0\r\n\r\n"):
            await asyncio.sleep(0)
            exchange.data_received(part)
        await asyncio.wait_for(pouring, 5)
        assert b"".join(got) == b"".join(pieces)

    asyncio.run(scenario())


async def test_a_full_sink_stops_the_engine_until_it_is_asked_again() -> None:
    exchange = open_exchange()
    pouring = asyncio.ensure_future(exchange.pour(lambda _: False))
    await asyncio.sleep(0)
    exchange.data_received(CHUNKED + chunked([b"a", b"b"])[:-5])
    assert not await pouring
    assert not exchange._transport.reading
    assert await exchange.readany() == b"b"
    assert exchange._transport.reading


async def test_pouring_tells_that_the_answer_broke_off() -> None:
    exchange = open_exchange()
    pouring = asyncio.ensure_future(exchange.pour(lambda _: True))
    await asyncio.sleep(0)
    exchange.data_received(CHUNKED + b"1\r\na\r\n")
    exchange.connection_lost(None)
    with pytest.raises(WireError):
        await pouring


async def test_a_chunked_answer_that_breaks_off_is_an_error() -> None:
    exchange = open_exchange()
    exchange.data_received(CHUNKED + b"5\r\nab")
    exchange.connection_lost(None)
    with pytest.raises(WireError):
        await read_all(exchange)


@pytest.mark.parametrize(
    "data",
    [
        b"SMTP ready\r\n\r\n",
        b"HTTP/1.1 two\r\n\r\n",
        CHUNKED + b"xyz\r\n",
        CHUNKED + b"1" * 300,
        b"H" * (HEAD_BYTES_MAX + 1),
        HEAD + b"Content-Length: -\r\n\r\n",
    ],
)
async def test_what_is_no_answer_is_refused(data: bytes) -> None:
    exchange = open_exchange()
    exchange.data_received(data)
    assert exchange._transport.aborted
    with pytest.raises(WireError):
        await exchange.readany()


async def test_a_reader_that_does_not_read_stops_the_engine() -> None:
    exchange = open_exchange()
    exchange.data_received(CHUNKED + chunked([b"x" * (HELD_BYTES_MAX + 1)])[:-5])
    assert not exchange._transport.reading
    await exchange.readany()
    assert exchange._transport.reading
