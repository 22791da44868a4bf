"""`hf:` against a hub on loopback that its own library can fetch from."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from stoker.core.errors import (
    DigestMismatchError,
    InvalidSourceError,
    SeveralFilesError,
    SourceDeniedError,
    SourceError,
    SourceMissingError,
    SourceUnreachableError,
    SourceUnsafeError,
    StokerError,
)
from stoker.models.download.limits import Timing
from stoker.models.sources import hub_watch
from stoker.models.sources.base import MODEL, PROJECTOR, Offer
from stoker.models.sources.hub import HubSource, explained
from stoker.models.sources.reference import HubReference, parse_reference
from support.local_hub import COMMIT, OTHER_HOST, LocalHub, ask_here, local_hub, never
from support.plain_http import plain_http

TOKEN = "hf_verysecret"
ONE = {"m-Q8_0.gguf": b"GGUF eight"}
TWO = {**ONE, "m-Q4_0.gguf": b"GGUF four"}


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[LocalHub]:
    """A hub with one model, which the library finds as if HF_ENDPOINT named it."""
    import huggingface_hub as library  # noqa: PLC0415 - slow, and only for these tests

    async with local_hub(dict(ONE)) as hub:
        ask_here(monkeypatch, hub, tmp_path)
        yield hub
        library.close_session()


async def resolved(text: str, wait_s: float = 10.0) -> Offer:
    reference = parse_reference(text)
    assert isinstance(reference, HubReference)
    async with plain_http() as client:
        return await HubSource(reference, wait_s, Timing(random=lambda: 0.0)).resolve(client)


async def refused(kind: type[StokerError], text: str = "hf:owner/repo") -> StokerError:
    with pytest.raises(kind) as caught:
        await resolved(text)
    assert type(caught.value) is kind
    return caught.value


def answers(response: Callable[[], web.StreamResponse]) -> Callable[[object], Awaitable[object]]:
    async def answer(_request: object) -> object:
        return response()

    return answer


async def test_the_only_model_is_offered_with_digest_size_and_the_commit(hub: LocalHub) -> None:
    offer = await resolved("hf:owner/repo")
    (file,) = offer.files
    assert offer.source == f"hf:owner/repo:m-Q8_0.gguf#commit={COMMIT}"
    assert file.digest == f"sha256:{hashlib.sha256(ONE['m-Q8_0.gguf']).hexdigest()}"
    assert (file.size_bytes, file.kind, file.quantization) == (10, MODEL, "Q8_0")
    assert file.url == f"{hub.url}/owner/repo/resolve/{COMMIT}/m-Q8_0.gguf"
    assert not file.headers
    assert hub.seen.paths == ["GET /api/models/owner/repo"]


async def test_what_was_resolved_can_be_resolved_again(hub: LocalHub) -> None:
    offer = await resolved("hf:owner/repo")
    hub.files |= TWO
    assert (await resolved(offer.source)).files == offer.files


async def test_the_token_reaches_the_hub_and_never_the_store_behind_it(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token = TOKEN
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    file = (await resolved("hf:owner/repo")).model
    async with plain_http() as client:
        assert await client.get_bytes(file.url, headers=file.headers) == ONE["m-Q8_0.gguf"]
    assert set(hub.seen.secrets) == {f"Bearer {TOKEN}"}
    assert hub.store_seen.paths == ["GET /lfs/m-Q8_0.gguf"]
    assert hub.store_seen.secrets == []
    assert TOKEN not in repr(file)


async def test_the_token_of_the_file_that_the_hubs_command_keeps_is_used(
    hub: LocalHub, tmp_path: Path
) -> None:
    hub.token = TOKEN
    (tmp_path / "token").write_text(TOKEN)
    assert (await resolved("hf:owner/repo")).model.headers == {"Authorization": f"Bearer {TOKEN}"}


async def test_a_repository_of_safetensors_says_what_to_do_with_it(hub: LocalHub) -> None:
    hub.files = {"model.safetensors": b"x", "config.json": b"{}"}
    for text in ("hf:owner/repo", "hf:owner/repo:Q4_0"):
        error = await refused(InvalidSourceError, text)
        assert "has safetensors" in error.message
        assert "stoker import DIR" in error.hint


@pytest.mark.parametrize(("text", "helps"), [("hf:a/b", True), ("http://h/m.gguf", False)])
def test_only_the_hub_is_given_a_token_of_the_hub(text: str, *, helps: bool) -> None:
    with pytest.raises(SourceDeniedError) as caught, explained(parse_reference(text)):
        raise SourceDeniedError("host answered 401: we may not have it")
    assert ("HF_TOKEN" in caught.value.hint) is helps
    assert "401" in caught.value.message


async def test_a_hub_that_fails_for_a_moment_is_asked_again(hub: LocalHub) -> None:
    asked = 0

    async def failing(_request: object) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked == 2:
            hub.instead = None
        return web.Response(status=500)

    hub.instead = failing
    assert (await resolved("hf:owner/repo")).model.name == "m-Q8_0.gguf"
    hub.instead = answers(lambda: web.Response(status=503))
    error = await refused(SourceUnreachableError)
    assert "status 503; tried 4 times" in error.message


async def test_a_hub_that_is_not_there_is_told_in_the_systems_words(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants  # noqa: PLC0415 - slow, and only for these tests

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    assert hub.url
    error = await refused(SourceUnreachableError)
    assert error.message.endswith("cannot be reached: Connection refused")


@pytest.mark.slow
async def test_the_local_hub_is_one_for_the_hubs_own_library(hub: LocalHub, tmp_path: Path) -> None:
    import huggingface_hub as library  # noqa: PLC0415

    hub.token = TOKEN
    path = await asyncio.to_thread(
        library.hf_hub_download,
        "owner/repo",
        "m-Q8_0.gguf",
        cache_dir=tmp_path / "cache",
        endpoint=hub.url,
        token=TOKEN,
    )
    assert await asyncio.to_thread(Path(path).read_bytes) == ONE["m-Q8_0.gguf"]
    assert COMMIT in path
    assert hub.store_seen.secrets == []
    assert OTHER_HOST in hub.store_url


async def test_several_models_are_listed_and_one_can_be_named(hub: LocalHub) -> None:
    hub.files = dict(TWO)
    hub.revisions.add("dev")
    error = await refused(SeveralFilesError, "hf:owner/repo@dev")
    assert [(one.name, one.size_bytes) for one in error.choices] == [("Q4_0", 9), ("Q8_0", 10)]
    assert "stoker pull hf:owner/repo:Q4_0@dev" in error.hint
    offer = await resolved("hf:owner/repo:q4_0@dev")
    assert offer.source == f"hf:owner/repo:q4_0@dev#commit={COMMIT}"
    assert offer.model.name == "m-Q4_0.gguf"


async def test_a_projector_counts_in_the_list_as_it_is_fetched(hub: LocalHub) -> None:
    hub.files = {**TWO, "mmproj-F16.gguf": b"GGUF"}
    error = await refused(SeveralFilesError)
    assert [one.size_bytes for one in error.choices] == [13, 14]


async def test_a_split_model_comes_whole_and_in_order(hub: LocalHub) -> None:
    hub.files = {f"sub/m-Q8_0-0000{part}-of-00002.gguf": b"GGUF" for part in (2, 1)}
    offer = await resolved("hf:owner/repo")
    assert [file.name for file in offer.files] == sorted(hub.files)


async def test_the_only_projector_comes_with_its_model(hub: LocalHub) -> None:
    hub.files |= {"mmproj-F16.gguf": b"GGUF eye", "other/mmproj-F16.gguf": b"GGUF"}
    offer = await resolved("hf:owner/repo")
    assert [(f.name, f.kind) for f in offer.files] == [
        ("m-Q8_0.gguf", MODEL),
        ("mmproj-F16.gguf", PROJECTOR),
    ]
    assert offer.notes == ()


async def test_of_several_projectors_none_is_taken_and_that_is_said(hub: LocalHub) -> None:
    hub.files |= {"mmproj-F16.gguf": b"GGUF", "mmproj-F32.gguf": b"GGUF"}
    offer = await resolved("hf:owner/repo")
    assert [file.name for file in offer.files] == ["m-Q8_0.gguf"]
    assert "none of the 2 projectors was taken" in offer.notes[0]


async def test_what_is_not_there_is_said_with_what_is(hub: LocalHub) -> None:
    assert "it has Q8_0" in (await refused(InvalidSourceError, "hf:owner/repo:q2_k")).message
    hub.files = {"pytorch_model.bin": b"x"}
    assert "no .gguf file" in (await refused(InvalidSourceError)).message


async def test_a_repository_or_revision_that_is_not_there(hub: LocalHub) -> None:
    assert "HF_TOKEN" in (await refused(SourceMissingError, "hf:owner/nothing")).hint
    error = await refused(SourceMissingError, "hf:owner/repo@nothing")
    assert "no revision nothing" in error.message


async def test_terms_that_were_not_accepted_are_named_with_the_page(hub: LocalHub) -> None:
    hub.token, hub.gated = TOKEN, "manual"
    error = await refused(SourceDeniedError)
    assert f"{hub.url}/owner/repo" in error.hint
    assert "HF_TOKEN" in error.hint


async def test_a_wrong_token_is_not_repeated(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    hub.instead = answers(lambda: web.Response(status=401))
    error = await refused(SourceDeniedError)
    assert "hf_wrong" not in error.text


async def test_a_token_that_no_header_can_hold_is_not_repeated(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wr\x0bong")
    error = await refused(SourceUnreachableError)
    assert "ong" not in error.text
    assert error.__suppress_context__


async def test_offline_means_that_nobody_is_asked(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants  # noqa: PLC0415

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in (await refused(SourceUnreachableError)).message
    assert hub.seen.paths == []


async def test_a_hub_that_wants_fewer_requests(hub: LocalHub) -> None:
    hub.instead = answers(lambda: web.Response(status=429, headers={"Retry-After": "9"}))
    assert "fewer requests" in (await refused(SourceError)).message


async def test_a_hub_that_is_not_there(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants  # noqa: PLC0415

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    assert "HF_ENDPOINT" in (await refused(SourceUnreachableError)).hint


async def test_a_hub_that_never_answers_is_given_up(hub: LocalHub) -> None:
    hub.instead = never
    with pytest.raises(SourceUnreachableError, match="did not answer"):
        await resolved("hf:owner/repo", wait_s=0.05)


async def test_a_redirect_within_the_hub_is_followed(hub: LocalHub) -> None:
    described = hub._describe

    async def moved(request: web.Request) -> web.StreamResponse:
        if request.path == "/api/models/old/name":
            location = f"/api/models/owner/repo?{request.query_string}"
            return web.Response(status=307, headers={"Location": location})
        return described(request, request.path)

    hub.instead = moved
    assert (await resolved("hf:old/name")).model.name == "m-Q8_0.gguf"


async def test_a_redirect_to_another_host_is_refused_and_the_token_stays(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    there = f"{hub.store_url}/api/models/owner/repo"
    hub.instead = answers(lambda: web.Response(status=307, headers={"Location": there}))
    assert "another host" in (await refused(SourceUnsafeError)).message
    assert hub.store_seen.paths == []


async def test_an_answer_that_is_too_large_is_not_read_to_its_end(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_watch, "ANSWER_BYTES_MAX", 1000)
    hub.description = {"config": "x" * 2000}
    assert "more than 1000 bytes" in (await refused(SourceUnsafeError)).message


async def test_a_compressed_answer_is_refused(hub: LocalHub) -> None:
    hub.instead = answers(lambda: web.Response(headers={"Content-Encoding": "gzip"}, body=b"x"))
    assert "compressed" in (await refused(SourceUnsafeError)).message


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"id": 1}', "[" * 100_000, '{"id": "a", "siblings": [3]}', "\xff"]
)
async def test_an_answer_that_is_no_description_is_refused(hub: LocalHub, text: str) -> None:
    hub.instead = answers(lambda: web.Response(body=text.encode("latin-1")))
    await refused(SourceUnsafeError)


def lfs(sha256: object, size: object = 4) -> dict[str, object]:
    return {"sha256": sha256, "size": size, "pointerSize": 134}


@pytest.mark.parametrize(
    "sibling",
    [
        {"rfilename": "../m.gguf", "size": 4},
        {"rfilename": "/etc/m.gguf", "size": 4},
        {"rfilename": "a\\..\\m.gguf", "size": 4},
        {"rfilename": "a\0.gguf", "size": 4},
        {"rfilename": f"{'x' * 4096}.gguf", "size": 4},
        {"rfilename": "m.gguf", "size": -1},
        {"rfilename": "m.gguf", "size": 1 << 60},
        {"rfilename": "m.gguf", "size": "4"},
        {"rfilename": "m.gguf", "size": None},
        {"rfilename": "m.gguf", "lfs": lfs("../../../../etc/passwd")},
        {"rfilename": "m.gguf", "lfs": lfs("A" * 64)},
        {"rfilename": "m.gguf", "lfs": lfs(5)},
        {"rfilename": "m.gguf", "lfs": lfs("a" * 64, -4)},
    ],
    ids=lambda sibling: str(sibling)[:50],
)
async def test_a_name_size_or_digest_that_cannot_be_is_refused(
    hub: LocalHub, sibling: dict[str, object]
) -> None:
    hub.description = {"siblings": [sibling]}
    error = await refused(SourceUnsafeError)
    assert len(error.message) < 400
    assert error.message.isprintable()


async def test_a_file_that_is_listed_twice_is_refused(hub: LocalHub) -> None:
    twice = {"rfilename": "m.gguf", "size": 4}
    hub.description = {"siblings": [twice, twice]}
    assert "twice" in (await refused(SourceUnsafeError)).message


@pytest.mark.parametrize("commit", [None, "main", "../..", 5, "A" * 40])
async def test_a_commit_that_is_none_is_refused(hub: LocalHub, commit: object) -> None:
    hub.description = {"sha": commit}
    assert "names no commit" in (await refused(SourceUnsafeError)).message


async def test_another_commit_than_the_pinned_one_is_refused(hub: LocalHub) -> None:
    hub.commit = "f" * 40
    await refused(DigestMismatchError, f"hf:owner/repo#commit={COMMIT}")


async def test_the_token_is_not_sent_in_the_clear_over_a_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from huggingface_hub import constants  # noqa: PLC0415

    from stoker.models.sources import hub_client  # noqa: PLC0415

    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "ENDPOINT", "http://hub.example")
    token, notes = hub_client._token()
    assert token is None
    assert "not sent" in notes[0]
    assert TOKEN not in notes[0]
