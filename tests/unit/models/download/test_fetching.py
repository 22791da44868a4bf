"""A file is fetched whole and verified, or not at all: each danger against a real server."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stoker.core.errors import (
    DigestMismatchError,
    DiskFullError,
    ModelFileEmptyError,
    ModelFileGarbageError,
    SourceDeniedError,
    SourceError,
    SourceMissingError,
    SourceUnreachableError,
    SourceUnsafeError,
    StokerError,
)
from stoker.models.download.client import HttpClient
from stoker.models.download.events import Moved, Retrying, StartedOver
from stoker.models.download.fetching import Fetched, fetch
from stoker.models.download.limits import Timing
from stoker.models.download.part import Part
from stoker.models.download.target import Wanted
from stoker.models.gguf.first_bytes import check_first_bytes
from stoker.testing.clock import ManualClock
from support.downloading import KIB, LIMITS, Ear
from support.file_server import Answer, Asked, FileServer, honest, serving

DATA = os.urandom(300 * KIB + 17)  # five pieces of 64 KiB, the last one short
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"
Fetch = Callable[..., Awaitable[Fetched]]
MakePart = Callable[[], Part]


@pytest.fixture
async def server() -> AsyncIterator[FileServer]:
    async with serving(FileServer(DATA)) as running:
        yield running


def lacks(part: Part) -> bool:
    """Whether nothing of the file is left."""
    return not part.path.exists() and not part._journal_path.exists()


async def test_a_file_comes_in_pieces_that_are_asked_for_once(
    server: FileServer, fetched: Fetch, part: Part
) -> None:
    assert await fetched(server.url) == Fetched(DIGEST, len(DATA))
    assert part.path.read_bytes() == DATA
    assert server.bytes_asked == len(DATA)
    assert len(server.gets) == 5
    assert all(one.headers["accept-encoding"] == "identity" for one in server.gets)
    assert [one.headers.get("if-range") for one in server.gets] == [None] + ['"one"'] * 4


async def test_several_connections_fetch_it_together(
    server: FileServer, timing: Timing, part: Part
) -> None:
    """The second piece does not come before two more were asked for."""

    def twist(_asked: Asked, answer: Answer, count: int) -> Answer:
        if count == 3:
            server.go.set()
        return replace(answer, stall_at=10) if count == 1 else answer

    server.twist = twist
    limits = replace(LIMITS, connections=3, ramp_s=0.001)
    async with HttpClient(limits=limits, timing=timing) as client:
        found = await fetch(client, Wanted("m", server.url), part, lambda _: None)
    assert found == Fetched(DIGEST, len(DATA))


async def test_a_file_goes_on_where_it_stopped(
    server: FileServer, fetched: Fetch, make_part: MakePart
) -> None:
    def cut(_asked: Asked, answer: Answer, count: int) -> Answer:
        return replace(answer, cut_at=10 * KIB) if count >= 2 else answer

    server.twist = cut
    with pytest.raises(SourceUnreachableError, match="tried 3 times"):
        await fetched(server.url, into=make_part())
    kept = make_part().ranges.covered
    assert kept == (64 * 2 + 10 * 3) * KIB
    server.twist, server.asked = honest, []
    assert await fetched(server.url, into=make_part()) == Fetched(DIGEST, len(DATA))
    assert server.bytes_asked == len(DATA) - kept


async def test_what_is_whole_already_is_not_asked_for_again(
    server: FileServer, fetched: Fetch, make_part: MakePart
) -> None:
    await fetched(server.url, into=make_part())
    server.asked.clear()
    whole = Fetched(DIGEST, len(DATA))
    assert await fetched(server.url, digest=DIGEST, into=make_part()) == whole
    assert server.asked == []
    assert await fetched(server.url, into=make_part()) == whole
    assert [one.range for one in server.gets] == [(len(DATA) - 1, len(DATA) - 1)]


async def test_what_is_whole_and_has_changed_meanwhile_is_fetched_anew(
    server: FileServer, fetched: Fetch, make_part: MakePart, told: Ear
) -> None:
    await fetched(server.url, into=make_part())
    server.data, server.etag = DATA[::-1], '"two"'
    found = await fetched(server.url, into=make_part())
    assert found.digest == f"sha256:{hashlib.sha256(DATA[::-1]).hexdigest()}"
    assert len(told.of(StartedOver)) == 1


async def test_bytes_that_rotted_on_the_disk_are_not_taken(
    server: FileServer, fetched: Fetch, make_part: MakePart
) -> None:
    await fetched(server.url, into=make_part())
    part = make_part()
    part.path.write_bytes(bytes([DATA[0] ^ 1]) + DATA[1:])
    with pytest.raises(DigestMismatchError):
        await fetched(server.url, digest=DIGEST, into=part)
    assert lacks(part)


async def test_another_digest_than_the_known_one_leaves_nothing(
    server: FileServer, fetched: Fetch, part: Part
) -> None:
    with pytest.raises(DigestMismatchError, match="should be sha256:0000"):
        await fetched(server.url, digest=f"sha256:{'0' * 64}")
    assert lacks(part)


async def test_another_size_than_the_announced_one_leaves_nothing(
    server: FileServer, fetched: Fetch, part: Part
) -> None:
    with pytest.raises(SourceUnsafeError, match="were announced"):
        await fetched(server.url, size_bytes=len(DATA) + 1)
    assert lacks(part)


def without_ranges(_asked: Asked, answer: Answer, _count: int) -> Answer:
    headers = {"ETag": '"one"', "Content-Length": str(len(DATA))}
    return Answer(200, headers, DATA)


async def test_a_server_that_ignores_ranges_sends_one_stream(
    server: FileServer, fetched: Fetch
) -> None:
    server.twist = without_ranges
    assert await fetched(server.url) == Fetched(DIGEST, len(DATA))
    assert len(server.gets) == 1


async def test_a_stream_that_breaks_begins_anew(
    server: FileServer, fetched: Fetch, told: Ear
) -> None:
    def twist(asked: Asked, answer: Answer, count: int) -> Answer:
        whole = without_ranges(asked, answer, count)
        return whole if count else replace(whole, cut_at=100 * KIB)

    server.twist = twist
    assert await fetched(server.url) == Fetched(DIGEST, len(DATA))
    assert len(server.gets) == 2
    assert len(told.of(Retrying)) == 1


async def test_a_server_that_ignores_ranges_on_the_second_try_is_begun_anew(
    server: FileServer, fetched: Fetch, told: Ear
) -> None:
    def twist(asked: Asked, answer: Answer, count: int) -> Answer:
        return answer if count == 0 else without_ranges(asked, answer, count)

    server.twist = twist
    assert await fetched(server.url) == Fetched(DIGEST, len(DATA))
    assert told.of(StartedOver) == [StartedOver("m.gguf", "its source cannot go on")]


async def test_a_file_that_changes_midway_is_begun_anew_and_that_is_said(
    server: FileServer, fetched: Fetch, told: Ear
) -> None:
    new = os.urandom(200 * KIB)

    def twist(asked: Asked, answer: Answer, count: int) -> Answer:
        if count == 2:
            server.data, server.etag = new, '"two"'
            return server.answer(asked)
        return answer

    server.twist = twist
    found = await fetched(server.url)
    assert found == Fetched(f"sha256:{hashlib.sha256(new).hexdigest()}", len(new))
    assert told.of(StartedOver) == [StartedOver("m.gguf", "it changed at its source")]


async def test_a_change_is_seen_though_the_server_goes_on(
    server: FileServer, fetched: Fetch, told: Ear
) -> None:
    """It ignores If-Range and sends a range of the new state: the tag tells."""

    def twist(asked: Asked, answer: Answer, count: int) -> Answer:
        if count < 2:
            return answer
        asked.headers.pop("if-range", None)
        server.etag = '"two"'
        return server.answer(asked)

    server.twist = twist
    assert await fetched(server.url) == Fetched(DIGEST, len(DATA))
    assert len(told.of(StartedOver)) == 1


async def test_a_server_that_knows_ranges_and_no_if_range_is_asked_without(
    server: FileServer, fetched: Fetch, told: Ear
) -> None:
    def twist(asked: Asked, answer: Answer, count: int) -> Answer:
        return without_ranges(asked, answer, count) if "if-range" in asked.headers else answer

    server.twist = twist
    assert await fetched(server.url) == Fetched(DIGEST, len(DATA))
    assert len(server.gets) == 6
    assert told.of(StartedOver) == []


async def test_a_file_that_always_changes_is_given_up(
    server: FileServer, fetched: Fetch, told: Ear
) -> None:
    server.twist = lambda _a, answer, count: answer.with_headers(ETag=f'"{count}"')
    with pytest.raises(SourceError, match="again and again"):
        await fetched(server.url)
    assert len(told.of(StartedOver)) == LIMITS.restarts + 1


async def test_a_file_that_changed_between_two_runs_is_begun_anew(
    server: FileServer, fetched: Fetch, make_part: MakePart, told: Ear
) -> None:
    server.twist = lambda _a, answer, count: replace(answer, cut_at=10) if count else answer
    with pytest.raises(SourceUnreachableError):
        await fetched(server.url, into=make_part())
    server.data, server.etag = DATA[::-1], '"two"'
    server.twist = honest
    found = await fetched(server.url, into=make_part())
    assert found.digest == f"sha256:{hashlib.sha256(DATA[::-1]).hexdigest()}"
    assert told.of(StartedOver) == [StartedOver("m.gguf", "it changed at its source")]


async def test_where_nothing_would_tell_a_change_the_file_comes_in_one_stream(
    server: FileServer, fetched: Fetch, make_part: MakePart
) -> None:
    server.etag = None
    assert await fetched(server.url, into=make_part()) == Fetched(DIGEST, len(DATA))
    assert [one.range for one in server.gets][1:] == [None]
    assert make_part().size is None


async def test_a_known_digest_makes_pieces_safe_without_a_tag(
    server: FileServer, fetched: Fetch
) -> None:
    server.etag = None
    assert await fetched(server.url, digest=DIGEST) == Fetched(DIGEST, len(DATA))
    assert len(server.gets) == 5


async def test_a_date_will_do_where_there_is_no_tag(server: FileServer, fetched: Fetch) -> None:
    server.etag, server.modified_unix_s = None, 1_600_000_000.0
    await fetched(server.url)
    assert len(server.gets) == 5
    assert "1" not in server.gets[1].headers["if-range"][:3]


async def test_a_size_that_is_not_told_is_found_out(
    server: FileServer, fetched: Fetch, told: Ear
) -> None:
    server.twist = lambda _a, _answer, _c: Answer(200, {"Connection": "close"}, DATA)
    assert await fetched(server.url) == Fetched(DIGEST, len(DATA))
    assert told.of(Moved)[0].total_bytes is None
    assert told.of(Moved)[-1] == Moved(len(DATA), len(DATA))


async def test_an_endless_body_is_cut(server: FileServer, part: Part, timing: Timing) -> None:
    server.twist = lambda _a, _answer, _c: Answer(200, {"Connection": "close"}, DATA)
    limits = replace(LIMITS, unknown_bytes_max=100 * KIB)
    async with HttpClient(limits=limits, timing=timing) as client:
        with pytest.raises(SourceUnsafeError, match="more than 100 KiB"):
            await fetch(client, Wanted("m", server.url), part, lambda _: None)
    assert lacks(part)


def stream(_asked: Asked, _answer: Answer, _count: int) -> Answer:
    """The file, with no word about how long it is."""
    return Answer(200, {"Connection": "close"}, DATA)


async def test_an_announced_size_bounds_a_stream_that_tells_none(
    server: FileServer, fetched: Fetch, part: Part, told: Ear
) -> None:
    server.twist = stream
    with pytest.raises(SourceUnsafeError, match="more than 1000 B"):
        await fetched(server.url, size_bytes=1000)
    assert max([0, *(event.done_bytes for event in told.of(Moved))]) <= 1000
    assert lacks(part)


async def test_an_announced_size_tells_a_stream_that_ended_early(
    server: FileServer, fetched: Fetch
) -> None:
    server.twist = lambda a, answer, c: (
        stream(a, answer, c) if c else Answer(200, {"Connection": "close"}, DATA[:1000])
    )
    assert await fetched(server.url, size_bytes=len(DATA)) == Fetched(DIGEST, len(DATA))
    assert len(server.gets) == 2


async def test_a_disk_without_room_for_an_announced_stream_is_noticed_first(
    server: FileServer, timing: Timing, part: Part, told: Ear
) -> None:
    server.twist = stream
    free_bytes = shutil.disk_usage(part.path.parent).free
    huge = Wanted("m", server.url, size_bytes=free_bytes + (1 << 30))
    async with HttpClient(limits=LIMITS, timing=timing) as client:
        with pytest.raises(DiskFullError, match="are free"):
            await fetch(client, huge, part, told)
    assert {event.done_bytes for event in told.of(Moved)} == {0}


LIES = {
    "another range": {"Content-Range": f"bytes 1-{64 * KIB}/{len(DATA)}"},
    "a longer range": {
        "Content-Range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}",
        "Content-Length": str(len(DATA)),
    },
    "a range beyond its end": {"Content-Range": f"bytes 0-{64 * KIB - 1}/9"},
    "a length that contradicts its range": {"Content-Length": "9"},
    "no range": {"Content-Range": "nothing"},
    "an encoding": {"Content-Encoding": "gzip"},
    "several ranges": {"Content-Type": "multipart/byteranges; boundary=x"},
    "no length": {"Content-Length": "much"},
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_server_that_lies_about_what_it_sends_is_not_believed(
    server: FileServer, fetched: Fetch, part: Part, lie: str
) -> None:
    changed = {name.replace("-", "_"): text for name, text in LIES[lie].items()}
    server.twist = lambda _a, answer, _c: answer.with_headers(**changed)
    with pytest.raises((SourceUnsafeError, SourceUnreachableError)):
        await fetched(server.url)
    assert not part.ranges.covered or lacks(part)


async def test_a_part_of_the_file_that_nobody_asked_for_is_not_taken(
    server: FileServer, fetched: Fetch, part: Part
) -> None:
    """It always sends nine bytes of a file whose length it does not know, asked for or not."""
    headers = {"Content-Range": "bytes 0-8/*", "Content-Length": "9", "Connection": "close"}
    server.twist = lambda _a, _h, _c: Answer(206, headers, DATA[:9])
    with pytest.raises(SourceUnsafeError, match="part of the file"):
        await asyncio.wait_for(fetched(server.url), 10)
    assert [one.range is None for one in server.gets] == [False, True]
    assert lacks(part)


async def test_a_body_shorter_than_its_length_is_not_taken(
    server: FileServer, fetched: Fetch, part: Part
) -> None:
    server.twist = lambda _a, _answer, _c: Answer(
        200, {"Content-Length": str(len(DATA) + 1000), "Connection": "close"}, DATA
    )
    with pytest.raises(SourceUnreachableError):
        await fetched(server.url)


async def test_a_body_longer_than_its_range_is_not_taken(
    server: FileServer, fetched: Fetch, part: Part
) -> None:
    def twist(_asked: Asked, answer: Answer, _count: int) -> Answer:
        more = answer.with_headers(Content_Length=None, Connection="close")
        return replace(more, body=DATA)

    server.twist = twist
    with pytest.raises(SourceUnsafeError, match="more than"):
        await fetched(server.url)
    assert lacks(part)


async def test_bytes_behind_the_announced_end_are_not_part_of_the_file(
    server: FileServer, fetched: Fetch
) -> None:
    """The length is too short: what is announced is taken, and a known digest tells."""
    server.twist = lambda _a, _answer, _c: Answer(
        200, {"Content-Length": str(len(DATA) - 9), "Connection": "close"}, DATA
    )
    with pytest.raises((DigestMismatchError, SourceUnreachableError)):
        await fetched(server.url, digest=DIGEST)


async def test_an_empty_file_is_refused(server: FileServer, fetched: Fetch, part: Part) -> None:
    server.data = b""
    with pytest.raises(ModelFileEmptyError):
        await fetched(server.url)
    server.twist = lambda _a, _answer, _c: Answer(200, {"Content-Length": "0"})
    with pytest.raises(ModelFileEmptyError):
        await fetched(server.url)


async def test_a_stall_at_99_percent_is_left_and_gone_on_from(
    server: FileServer, make_part: MakePart, told: Ear
) -> None:
    clock = ManualClock()
    at = len(DATA) - len(DATA) // 100

    def twist(_asked: Asked, answer: Answer, count: int) -> Answer:
        last = count == 4
        return replace(answer, stall_at=at - 4 * 64 * KIB) if last else answer

    server.twist = twist
    timing = Timing(clock=clock, random=lambda: 0.0)
    async with HttpClient(limits=LIMITS, timing=timing) as client:
        task = asyncio.ensure_future(fetch(client, Wanted("m", server.url), make_part(), told))
        await server.stalled.wait()
        await told.wait_for(Moved(at, len(DATA)))
        await clock.advance(LIMITS.stall_s - 1)
        assert not told.of(Retrying)
        await clock.advance(2)
        assert await task == Fetched(DIGEST, len(DATA))
    assert server.gets[-1].range == (at, len(DATA) - 1)
    assert [one.reason for one in told.of(Retrying)] == [
        f"{server.url} sent next to nothing for 30 s"
    ]


async def test_a_few_bytes_now_and_then_are_a_stall_too(
    server: FileServer, make_part: MakePart, told: Ear
) -> None:
    """A byte after 14 s and one after 28 s: after 30 s it is enough."""
    clock = ManualClock()
    timing = Timing(clock=clock, random=lambda: 0.0)
    server.twist = lambda _a, answer, count: answer if count else replace(answer, drip_at=100)
    stalled = Retrying(f"{server.url} sent next to nothing for 30 s", 0.0)
    async with HttpClient(limits=LIMITS, timing=timing) as client:
        task = asyncio.ensure_future(fetch(client, Wanted("m", server.url), make_part(), told))
        await told.wait_for(Moved(100, len(DATA)))
        for count in (101, 102):
            await clock.advance(14)
            server.drops.put_nowait(None)
            await told.wait_for(Moved(count, len(DATA)))
        assert told.of(Retrying) == []
        await clock.advance(3)
        await asyncio.wait_for(told.wait_for(stalled), 10)
        assert await task == Fetched(DIGEST, len(DATA))
    assert told.of(Retrying) == [stalled]


async def test_a_few_bytes_more_are_no_stall(
    server: FileServer, make_part: MakePart, told: Ear
) -> None:
    """What comes is slow, and enough: the time begins anew."""
    clock = ManualClock()
    timing = Timing(clock=clock, random=lambda: 0.0)
    limits = replace(LIMITS, stall_bytes_min=2)
    server.twist = lambda _a, answer, count: answer if count else replace(answer, drip_at=100)
    async with HttpClient(limits=limits, timing=timing) as client:
        task = asyncio.ensure_future(fetch(client, Wanted("m", server.url), make_part(), told))
        await told.wait_for(Moved(100, len(DATA)))
        for count in range(101, 109):
            await clock.advance(14)
            server.drops.put_nowait(None)
            await told.wait_for(Moved(count, len(DATA)))
        assert told.of(Retrying) == []
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_connection_that_always_breaks_ends_nothing_while_it_brings_enough(
    server: FileServer, timing: Timing, part: Part, told: Ear
) -> None:
    server.twist = lambda _a, answer, _c: replace(answer, cut_at=10 * KIB)
    limits = replace(LIMITS, fruit_bytes_min=10 * KIB)
    async with HttpClient(limits=limits, timing=timing) as client:
        found = await fetch(client, Wanted("m", server.url), part, told)
    assert found == Fetched(DIGEST, len(DATA))
    assert len(told.of(Retrying)) > limits.tries


async def test_a_busy_source_gets_fewer_connections(
    server: FileServer, timing: Timing, part: Part, told: Ear
) -> None:
    """The second connection is refused; the first one brings the file alone."""
    refused: list[int] = []

    def twist(_asked: Asked, answer: Answer, count: int) -> Answer:
        if count == 1:
            return replace(answer, stall_at=10)
        if count and not server.go.is_set():
            server.go.set()
            refused.append(count)
            return Answer(429, {"Retry-After": "100", "Content-Length": "0"})
        return answer

    server.twist = twist
    limits = replace(LIMITS, connections=2, ramp_s=0.001)
    async with HttpClient(limits=limits, timing=timing) as client:
        found = await fetch(client, Wanted("m", server.url), part, told)
    assert found == Fetched(DIGEST, len(DATA))
    assert refused == [2]
    assert told.of(Retrying) == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, SourceDeniedError), (403, SourceDeniedError), (404, SourceMissingError)],
)
async def test_a_refusal_is_told_at_once(
    server: FileServer, fetched: Fetch, status: int, kind: type[StokerError]
) -> None:
    server.twist = lambda _a, _answer, _c: Answer(status, {"Content-Length": "0"})
    with pytest.raises(kind):
        await fetched(server.url)
    assert len(server.gets) == 1


async def test_an_address_that_a_redirect_gave_is_kept_for_as_long_as_it_lasts(
    server: FileServer, fetched: Fetch
) -> None:
    signed: set[str] = set()

    def twist(asked: Asked, answer: Answer, count: int) -> Answer:
        if asked.path == "/":
            signed.clear()
            signed.add(f"/signed/{count}")
            return Answer(302, {"Location": f"/signed/{count}", "Content-Length": "0"})
        if count == 4:
            signed.clear()
        return answer if asked.path in signed else Answer(403, {"Content-Length": "0"})

    server.twist = twist
    assert await fetched(f"{server.url}/") == Fetched(DIGEST, len(DATA))
    assert [one.path for one in server.gets].count("/") == 2


async def test_a_disk_without_room_is_noticed_first(
    server: FileServer, timing: Timing, part: Part
) -> None:
    limits = replace(LIMITS, spare_bytes=1 << 50)
    async with HttpClient(limits=limits, timing=timing) as client:
        with pytest.raises(DiskFullError, match="are free"):
            await fetch(client, Wanted("m", server.url), part, lambda _: None)
    assert len(server.gets) == 1


async def test_a_beginning_that_is_no_models_ends_it_early(
    server: FileServer, fetched: Fetch, part: Part
) -> None:
    server.data = b"<!DOCTYPE html>" + DATA
    with pytest.raises(ModelFileGarbageError, match="is a web page"):
        await fetched(server.url, check_start=lambda start: check_first_bytes("m.gguf", start))
    assert len(server.gets) == 1
    assert lacks(part)


async def test_cancelled_it_keeps_what_came(
    server: FileServer, fetched: Fetch, make_part: MakePart, told: Ear
) -> None:
    server.twist = lambda _a, answer, count: replace(answer, stall_at=10) if count == 2 else answer
    task = asyncio.ensure_future(fetched(server.url, into=make_part()))
    await told.wait_for(Moved(2 * 64 * KIB + 10, len(DATA)))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert make_part().ranges.covered == 2 * 64 * KIB + 10


async def test_the_journal_holds_no_secret(
    server: FileServer, client: HttpClient, make_part: MakePart
) -> None:
    headers = {"Authorization": "s3cret"}
    wanted = Wanted("m", f"{server.url}/x?sig=s3cret", headers)
    part = make_part()
    await fetch(client, wanted, part, lambda _: None)
    assert server.gets[1].headers["authorization"] == "s3cret"
    assert "s3cret" not in part._journal_path.read_text()
    assert "s3cret" not in repr(wanted).replace("sig=s3cret", "")


CUTS = st.lists(st.integers(0, 70 * KIB), max_size=12)


@pytest.mark.slow
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=CUTS, connections=st.integers(1, 3))
def test_however_often_it_breaks_it_is_whole_in_the_end(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], connections: int
) -> None:
    """Each connection may break anywhere; runs go on until one ends well."""

    def twist(_asked: Asked, answer: Answer, count: int) -> Answer:
        return replace(answer, cut_at=cuts[count]) if count < len(cuts) else answer

    async def run() -> None:
        folder = tmp_path_factory.mktemp("parts")
        server = FileServer(DATA, twist)
        limits = replace(LIMITS, connections=connections, ramp_s=0.001, tries=2)
        timing = Timing(random=lambda: 0.0)
        async with serving(server), HttpClient(limits=limits, timing=timing) as client:
            for _ in range(len(cuts) + 1):
                part = Part(folder, "key", "x")
                try:
                    found = await fetch(client, Wanted("m", server.url), part, lambda _: None)
                except SourceUnreachableError:
                    continue
                finally:
                    part.close()
                assert found == Fetched(DIGEST, len(DATA))
                return
        raise AssertionError("it never ended well")

    asyncio.run(run())


BAD_DATE = "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"
DATES = ["Mon, 01 Jan 2024 00:00:00 GMT", BAD_DATE, "x", ""]
RANGES = [
    *("bytes 0-65535/308217", "bytes 0-8/9", "bytes 0-8/*", "bytes 0-65535/*", "bytes 5-8/*"),
    *("bytes 8-5/9", "bytes */9", "bytes */0", "x", ""),
]
LYING = st.fixed_dictionaries(
    {},
    optional={
        "Content-Range": st.sampled_from(RANGES),
        "Content-Length": st.sampled_from(["0", "9", "65536", "x", ""]),
        "ETag": st.sampled_from(['"x"', "x", ""]),
        "Content-Encoding": st.sampled_from(["gzip", "identity"]),
        "Date": st.sampled_from(DATES),
        "Last-Modified": st.sampled_from(DATES),
        "Retry-After": st.sampled_from(["0", "9", *DATES]),
    },
)


@pytest.mark.slow
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    status=st.sampled_from([200, 206, 416, 500]),
    headers=LYING,
    body=st.binary(max_size=20),
    announced=st.sampled_from([None, 9, len(DATA)]),
)
@example(206, {"Content-Range": "bytes 0-8/*", "Content-Length": "9"}, b"GGUF" + bytes(5), None)
@example(206, {"Content-Range": "bytes 0-8/9", "Date": BAD_DATE, "Last-Modified": "x"}, b"x", None)
@example(500, {"Retry-After": BAD_DATE}, b"", None)
def test_whatever_a_server_says_a_known_digest_is_never_wrong(
    tmp_path_factory: pytest.TempPathFactory,
    status: int,
    headers: dict[str, str],
    body: bytes,
    announced: int | None,
) -> None:
    async def run() -> None:
        server = FileServer(DATA, lambda _a, _h, _c: answer)
        part = Part(tmp_path_factory.mktemp("parts"), "key", "x")
        timing = Timing(random=lambda: 0.0)
        limits = replace(LIMITS, tries=2, retry_after_max_s=0.0)
        async with serving(server), HttpClient(limits=limits, timing=timing) as client:
            wanted = Wanted("m", server.url, digest=DIGEST, size_bytes=announced)
            with pytest.raises(StokerError):
                await asyncio.wait_for(fetch(client, wanted, part, lambda _: None), 20)
        assert server.asked
        assert not part.path.exists() or part.path.stat().st_size <= 1 << 20
        part.close()

    answer: Answer = Answer(status, {**headers, "Connection": "close"}, body)
    asyncio.run(run())
