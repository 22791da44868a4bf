"""The client of sources against real servers on loopback: bounds, redirects, secrets, patience."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from stoker.core.errors import (
    InvalidSourceError,
    SourceDeniedError,
    SourceError,
    SourceMissingError,
    SourceUnreachableError,
    SourceUnsafeError,
)
from stoker.models.download.addresses import Address, Nearness, nearness
from stoker.models.download.client import HttpClient
from stoker.models.download.events import Retrying
from stoker.models.download.guard import Guard
from stoker.models.download.hops import Hop
from stoker.models.download.limits import Timing
from stoker.testing.clock import ManualClock
from support.downloading import Ear
from support.file_server import Answer, Asked, FileServer, Twist, serving

SECRETS = {"Authorization": "Bearer s3cret", "Cookie": "a=s3cret", "X-Api-Key": "s3cret"}


@pytest.fixture
async def server() -> AsyncIterator[FileServer]:
    async with serving(FileServer(b'{"a": 1}')) as running:
        yield running


@pytest.fixture
async def other() -> AsyncIterator[FileServer]:
    async with serving(FileServer(b'{"b": 2}')) as running:
        yield running


def sends(answer: Answer) -> Twist:
    return lambda _asked, _honest, _count: answer


def moved(to: str, status: int = 302) -> Twist:
    return sends(Answer(status, {"Location": to, "Content-Length": "0"}))


async def test_a_json_document_is_fetched(client: HttpClient, server: FileServer) -> None:
    assert await client.get_json(server.url, headers={"Accept": "x/y"}) == {"a": 1}
    assert server.asked[0].headers["accept"] == "x/y"
    assert server.asked[0].headers["user-agent"].startswith("stoker/")


async def test_what_is_not_json_is_refused(client: HttpClient, server: FileServer) -> None:
    for data in (b"<html>", b"[" * 100_000):
        server.data = data
        with pytest.raises(SourceUnsafeError):
            await client.get_json(server.url)


async def test_a_head_tells_a_size_and_nothing_where_none_is_told(
    client: HttpClient, server: FileServer
) -> None:
    assert (await client.head(server.url)).size_bytes == 8
    server.twist = lambda _a, answer, _c: answer.with_headers(Content_Length=None)
    assert (await client.head(server.url)).size_bytes is None
    for status in (403, 405, 501):
        server.twist = sends(Answer(status, {"Content-Length": "3"}))
        assert (await client.head(server.url)).size_bytes is None


async def test_a_request_gives_a_refusal_back(client: HttpClient, server: FileServer) -> None:
    server.twist = sends(Answer(401, {"WWW-Authenticate": "Bearer x", "Content-Length": "0"}))
    answer = await client.request("GET", server.url)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer x")
    with pytest.raises(ValueError, match="GET and HEAD"):
        await client.request("POST", server.url)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((401, SourceDeniedError), (403, SourceDeniedError), (404, SourceMissingError)),
        (418, SourceError),
    ],
)
async def test_refusals_are_told_apart_and_hold_no_secret(
    client: HttpClient, server: FileServer, status: int, kind: type[SourceError]
) -> None:
    server.twist = sends(Answer(status, {"Content-Length": "0"}))
    with pytest.raises(kind) as caught:
        await client.get_bytes(f"{server.url}/x?sig=s3cret", headers=SECRETS)
    assert f"{server.url}/x answered {status}" in caught.value.message
    assert "s3cret" not in caught.value.text
    assert len(server.asked) == 1


async def test_more_than_is_wanted_is_not_read(client: HttpClient, server: FileServer) -> None:
    server.data = bytes(1000)
    assert len(await client.get_bytes(server.url, most_bytes=1000)) == 1000
    with pytest.raises(SourceUnsafeError, match="more than 999 B"):
        await client.get_bytes(server.url, most_bytes=999)
    server.twist = lambda _a, answer, _c: answer.with_headers(Content_Length=None, Connection="x")
    with pytest.raises(SourceUnsafeError, match="more than 999 B"):
        await client.get_bytes(server.url, most_bytes=999)


async def test_gzip_is_read_and_a_bomb_of_it_is_cut(client: HttpClient, server: FileServer) -> None:
    def packed(data: bytes) -> Twist:
        body = gzip.compress(data)
        return sends(
            Answer(200, {"Content-Encoding": "gzip", "Content-Length": str(len(body))}, body)
        )

    server.twist = packed(b"[1]")
    assert await client.get_json(server.url) == [1]
    server.twist = packed(bytes(20_000_000))
    with pytest.raises(SourceUnsafeError, match="more than 4 MiB"):
        await client.get_bytes(server.url)


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
async def test_another_encoding_is_refused(
    client: HttpClient, server: FileServer, encoding: str
) -> None:
    server.twist = lambda _a, answer, _c: answer.with_headers(Content_Encoding=encoding)
    with pytest.raises(SourceUnsafeError, match="not asked for"):
        await client.get_bytes(server.url)


async def test_what_calls_itself_gzip_and_is_not_is_refused(
    client: HttpClient, server: FileServer
) -> None:
    server.twist = lambda _a, answer, _c: answer.with_headers(Content_Encoding="gzip")
    with pytest.raises(SourceUnsafeError, match="says gzip"):
        await client.get_bytes(server.url)


async def test_a_body_that_is_cut_is_asked_for_again(
    client: HttpClient, server: FileServer
) -> None:
    server.twist = lambda _a, answer, count: answer if count else replace(answer, cut_at=3)
    assert await client.get_json(server.url) == {"a": 1}
    assert len(server.asked) == 2
    half = gzip.compress(b"[1]")[:-9]
    server.twist = sends(
        Answer(200, {"Content-Encoding": "gzip", "Content-Length": str(len(half))}, half)
    )
    with pytest.raises(SourceUnreachableError, match="did not send its answer whole"):
        await client.get_bytes(server.url)


async def test_a_redirect_is_followed(client: HttpClient, server: FileServer) -> None:
    def twist(asked: Asked, answer: Answer, _count: int) -> Answer:
        if asked.path == "/there":
            return answer
        return Answer(307, {"Location": "/there", "Content-Length": "0"})

    server.twist = twist
    assert await client.get_json(f"{server.url}/here", headers=SECRETS) == {"a": 1}
    assert server.asked[1].headers["authorization"] == "Bearer s3cret"
    async with client.open(Hop(f"{server.url}/here")) as reply:
        assert reply.hop.url == f"{server.url}/there"


async def test_a_redirect_to_another_port_drops_every_secret(
    client: HttpClient, server: FileServer, other: FileServer
) -> None:
    server.twist = moved(f"{other.url}/there")
    assert await client.get_json(server.url, headers={**SECRETS, "Accept": "x/y"}) == {"b": 2}
    assert server.asked[0].headers["x-api-key"] == "s3cret"
    assert "s3cret" not in str(other.asked[0].headers)
    assert other.asked[0].headers["accept"] == "x/y"


async def test_a_redirect_to_another_host_and_back_brings_no_secret_back(
    client: HttpClient, server: FileServer, other: FileServer
) -> None:
    def twist(asked: Asked, answer: Answer, _count: int) -> Answer:
        if asked.path == "/back":
            return answer
        return Answer(302, {"Location": f"{other.url}/", "Content-Length": "0"})

    server.twist = twist
    other.twist = moved(f"{server.url}/back")
    await client.get_json(server.url, headers=SECRETS)
    assert "s3cret" not in str(server.asked[1].headers)


async def test_redirects_in_a_circle_end(client: HttpClient, server: FileServer) -> None:
    server.twist = moved("/again")
    with pytest.raises(SourceUnsafeError, match="redirects"):
        await client.get_bytes(server.url)
    assert len(server.asked) == client.limits.redirects + 1


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://host/a", "", "http://u:p@host/"])
async def test_a_redirect_to_what_is_no_web_address_is_refused(
    client: HttpClient, server: FileServer, to: str
) -> None:
    server.twist = moved(to)
    with pytest.raises(SourceUnsafeError):
        await client.get_bytes(server.url)


def as_if_public(address: Address) -> Nearness:
    """127.0.0.2 stands for a public address, so that a real connection to it can be made."""
    return Nearness.PUBLIC if address == ipaddress.ip_address("127.0.0.2") else nearness(address)


async def test_a_public_host_does_not_lead_to_this_machine(
    server: FileServer, timing: Timing
) -> None:
    public = FileServer(b"", moved(server.url))
    async with (
        serving(public, "127.0.0.2"),
        HttpClient(timing=timing, guard=Guard(classify=as_if_public)) as client,
    ):
        with pytest.raises(SourceUnsafeError, match="this machine itself"):
            await client.get_bytes(public.url, headers=SECRETS)
        with pytest.raises(SourceUnsafeError, match="this machine itself"):
            await client.get_bytes(server.url)  # nor may what it writes in an answer
    assert len(public.asked) == 1
    assert server.asked == []


async def test_a_name_that_is_public_first_and_inside_later_is_connected_to_as_it_was(
    server: FileServer, timing: Timing
) -> None:
    answers = [["127.0.0.2"], ["127.0.0.1"]]

    async def names(_host: str, _port: int) -> list[str]:
        return answers.pop(0)

    public = FileServer(b"[3]")
    async with (
        serving(public, "127.0.0.2"),
        HttpClient(timing=timing, guard=Guard(names, as_if_public)) as client,
    ):
        url = public.url.replace("127.0.0.2", "rebinding.test")
        for _ in range(2):
            public.twist = lambda _a, answer, _c: answer.with_headers(Connection="close")
            assert await client.get_json(url) == [3]
        assert answers == [["127.0.0.1"]]
        assert public.asked[0].headers["host"].startswith("rebinding.test:")


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f000001", "[::ffff:127.0.0.1]"])
async def test_other_ways_to_write_this_machine_lead_nowhere(
    timing: Timing, server: FileServer, host: str
) -> None:
    port = server.url.rpartition(":")[2]
    public = FileServer(b"", moved(f"http://{host}:{port}/"))
    async with (
        serving(public, "127.0.0.2"),
        HttpClient(timing=timing, guard=Guard(classify=as_if_public)) as client,
    ):
        with pytest.raises((SourceUnsafeError, InvalidSourceError)):
            await client.get_bytes(public.url)
    assert server.asked == []


async def test_this_machine_may_be_named_and_lead_to_itself(
    client: HttpClient, server: FileServer, other: FileServer
) -> None:
    server.twist = moved(other.url)
    assert await client.get_json(server.url) == {"b": 2}


async def test_it_waits_as_long_as_it_is_asked_to(server: FileServer, told: Ear) -> None:
    clock = ManualClock()

    def twist(_asked: Asked, answer: Answer, count: int) -> Answer:
        return answer if count else Answer(429, {"Retry-After": "7", "Content-Length": "0"})

    server.twist = twist
    timing = Timing(clock=clock, random=lambda: 0.0)
    async with HttpClient(timing=timing, told=told) as client:
        task = asyncio.ensure_future(client.get_json(server.url))
        await told.wait_for(Retrying(f"{server.url} answered 429", 7.0))
        await clock.advance(6.9)
        assert len(server.asked) == 1
        await clock.advance(0.2)
        assert await task == {"a": 1}


async def test_after_a_few_tries_it_gives_up(
    client: HttpClient, server: FileServer, told: Ear
) -> None:
    server.twist = sends(Answer(503, {"Content-Length": "0"}))
    with pytest.raises(SourceUnreachableError, match="answered 503; tried 3 times"):
        await client.get_bytes(server.url)
    assert len(server.asked) == 3
    assert len(told.of(Retrying)) == 2


async def test_a_host_that_nobody_serves_cannot_be_reached(client: HttpClient) -> None:
    async with serving(FileServer(b"")) as gone:
        pass
    with pytest.raises(
        SourceUnreachableError, match="cannot be connected to: Connection refused; tried"
    ):
        await client.get_bytes(f"{gone.url}/x?sig=s3cret")


async def test_a_server_that_says_nothing_is_left_after_a_while() -> None:
    clock = ManualClock()
    silent = FileServer(b"abc", lambda _a, answer, _c: replace(answer, stall_at=0))

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent.stalled.set()
        await silent.go.wait()
        writer.close()

    listening = await asyncio.start_server(hold, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with HttpClient(timing=Timing(clock=clock, random=lambda: 0.0)) as client:
        client.limits = replace(client.limits, tries=1)
        task = asyncio.ensure_future(client.get_bytes(url))
        await silent.stalled.wait()
        await clock.advance(client.limits.head_s + 1)
        with pytest.raises(SourceUnreachableError, match="did not answer within 30 s"):
            await task
    silent.go.set()
    listening.close()


async def test_what_is_not_http_is_told_as_such(client: HttpClient) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 hello, this is no web server\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/?sig=s3cret"
    with pytest.raises(SourceUnreachableError, match="not HTTP") as caught:
        await client.get_bytes(url)
    assert "s3cret" not in caught.value.text
    listening.close()


async def test_a_range_is_read_and_a_wrong_one_refused(
    client: HttpClient, server: FileServer
) -> None:
    assert await client.read_range(server.url, 1, 3) == b'"a"'
    assert await client.read_range(server.url, 6, 30) == b"1}"
    server.twist = lambda _a, answer, _c: answer.with_headers(Content_Range="bytes 0-2/8")
    with pytest.raises(SourceUnsafeError, match="other bytes"):
        await client.read_range(server.url, 1, 3)
    server.twist = lambda _a, answer, _c: replace(answer, status=202)
    with pytest.raises(SourceError, match="no file"):
        await client.read_range(server.url, 1, 3)


async def test_where_no_ranges_are_given_the_start_is_read(
    client: HttpClient, server: FileServer
) -> None:
    whole = {"Content-Length": "8"}
    server.twist = lambda _a, _answer, _c: Answer(200, whole, server.data, stall_at=4)
    assert await client.read_range(server.url, 1, 3) == b'"a"'
    server.twist = sends(Answer(200, whole, server.data))
    assert await client.read_range(server.url, 6, 30) == b"1}"
    with pytest.raises(SourceError, match="no ranges") as caught:
        await client.read_range(server.url, 65 << 20, 3)
    assert "pull it" in caught.value.hint
    server.twist = sends(Answer(200, whole, server.data, cut_at=4))
    with pytest.raises(SourceUnreachableError):
        await client.read_range(server.url, 6, 2)


async def test_cookies_are_not_kept(client: HttpClient, server: FileServer) -> None:
    server.twist = lambda _a, answer, _c: answer.with_headers(Set_Cookie="a=b")
    await client.get_json(server.url)
    await client.get_json(server.url)
    assert "cookie" not in server.asked[1].headers


async def test_nothing_of_a_request_is_logged(
    client: HttpClient, server: FileServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await client.get_json(f"{server.url}/?sig=s3cret", headers=SECRETS)
    assert "s3cret" not in caplog.text


async def test_no_proxy_and_no_password_is_taken_from_the_environment(
    client: HttpClient, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert json.dumps(await client.get_json(server.url)) == '{"a": 1}'
