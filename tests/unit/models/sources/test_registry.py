"""`ollama:` and `oci:` against registries on loopback, honest and hostile."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

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
from stoker.models.sources.base import Offer
from stoker.models.sources.reference import RegistryReference, parse_reference
from stoker.models.sources.registry import RegistrySource
from stoker.models.storing.manifest import LAYERS_MAX
from support.local_registry import INDEX, TOKEN, LocalRegistry, digest_of, local_registry
from support.plain_http import plain_http

OLLAMA = "application/vnd.ollama.image"
GGUF = "application/vnd.docker.ai.gguf.v3"
WEIGHTS = b"GGUF weights"
LOGIN = f"Basic {base64.b64encode(b'me:pass:word').decode()}"


@pytest.fixture
async def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalRegistry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    async with local_registry() as registry:
        yield registry


@pytest.fixture
def oci(registry: LocalRegistry) -> LocalRegistry:
    """An OCI registry with one model, `n/m:t`."""
    registry.image("t", [registry.layer(GGUF, WEIGHTS)])
    return registry


@pytest.fixture
def guarded(oci: LocalRegistry) -> LocalRegistry:
    """The same, that wants a token."""
    oci.guarded = True
    return oci


def log_in(folder: Path, host: str, **more: Any) -> None:
    auths = {host: {"auth": LOGIN.removeprefix("Basic ")}}
    (folder / "config.json").write_text(json.dumps({"auths": auths, **more}))


async def resolved(registry: LocalRegistry, name: str = "n/m:t", scheme: str = "oci") -> Offer:
    reference = parse_reference(f"{scheme}:{registry.host}/{name}")
    assert isinstance(reference, RegistryReference)
    async with plain_http() as client:
        return await RegistrySource(reference).resolve(client)


async def refused(
    registry: LocalRegistry, kind: type[StokerError], name: str = "n/m:t", scheme: str = "oci"
) -> StokerError:
    with pytest.raises(kind) as caught:
        await resolved(registry, name, scheme)
    assert type(caught.value) is kind
    assert TOKEN not in caught.value.text
    assert len(caught.value.message) < 600
    return caught.value


async def fetched(offer: Offer) -> list[bytes]:
    async with plain_http() as client:
        return [await client.get_bytes(file.url, headers=file.headers) for file in offer.files]


async def test_an_ollama_model_comes_with_its_projector_and_texts(registry: LocalRegistry) -> None:
    registry.ollama = True
    parts = {
        "license": b"do what you like",
        "model": WEIGHTS,
        "projector": b"GGUF eye",
        "template": b"{{ .Prompt }}",
        "system": b"Be kind.",
        "params": b'{"stop": []}',
    }
    layers = [registry.layer(f"{OLLAMA}.{kind}", data) for kind, data in parts.items()]
    digest = registry.image("1b", [*layers, registry.layer(f"{OLLAMA}.license", b"and more")])
    offer = await resolved(registry, "u/tiny:1b", "ollama")
    assert offer.source == f"ollama:{registry.host}/u/tiny:1b@{digest}"
    assert [(file.kind, file.name) for file in offer.files] == [
        ("model", "tiny-1b.gguf"),
        ("licence", "licence"),
        ("projector", "mmproj-tiny-1b.gguf"),
        ("template", "template.gotmpl"),
        ("parameters", "system.txt"),
        ("parameters", "params.json"),
        ("licence", "licence-2"),
    ]
    assert (await fetched(offer))[0] == WEIGHTS
    assert (offer.model.size_bytes, offer.model.digest) == (len(WEIGHTS), digest_of(WEIGHTS))
    assert offer.notes == ()


async def test_ollamas_layers_that_are_left_out_are_named(registry: LocalRegistry) -> None:
    registry.ollama = True
    layers = [registry.layer(f"{OLLAMA}.{kind}", kind.encode()) for kind in ("model", "adapter")]
    registry.image("t", layers)
    offer = await resolved(registry, scheme="ollama")
    assert offer.notes == (f"left out: {OLLAMA}.adapter (7 B)",)


async def test_a_digest_of_ollamas_is_found_under_its_tag(registry: LocalRegistry) -> None:
    registry.ollama = True
    registry.image("t", [registry.layer(f"{OLLAMA}.model", WEIGHTS)])
    offer = await resolved(registry, scheme="ollama")
    again = f"n/m:t@{offer.source.rpartition('@')[2]}"
    assert (await resolved(registry, again, "ollama")).files == offer.files
    registry.image("t", [registry.layer(f"{OLLAMA}.model", b"GGUF newer")])
    assert "no more" in (await refused(registry, SourceMissingError, again, "ollama")).message


async def test_an_oci_model_is_pinned_to_the_digest_of_its_manifest(oci: LocalRegistry) -> None:
    offer = await resolved(oci)
    digest = digest_of(oci.manifests["t"])
    assert offer.source == f"oci:{oci.host}/n/m:t@{digest}"
    assert offer.model.name == "m-t.gguf"
    assert await fetched(offer) == [WEIGHTS]
    oci.image("t", [oci.layer(GGUF, b"GGUF newer")])
    assert (await resolved(oci, f"n/m:t@{digest}")).files == offer.files


@pytest.mark.parametrize(
    "media_type",
    [
        GGUF,
        "application/vnd.cncf.model.weight.v1.raw",
        "application/vnd.cncf.model.weight.v1.gguf",
        "application/vnd.docker.ai.model.file",
        "application/vnd.oci.image.layer.v1.tar",
        "application/octet-stream",
    ],
)
async def test_a_file_that_its_title_calls_gguf_is_a_model(
    registry: LocalRegistry, media_type: str
) -> None:
    registry.image("t", [registry.layer(media_type, WEIGHTS, title="deep/m-Q8_0.gguf")])
    offer = await resolved(registry)
    assert (offer.model.name, offer.model.quantization) == ("deep/m-Q8_0.gguf", "Q8_0")


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.cncf.model.weight.v1.tar",
        "application/vnd.cncf.model.weight.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.docker.ai.gguf.v3.lora",
        "application/vnd.docker.ai.safetensors",
    ],
)
async def test_what_is_packed_or_no_gguf_is_no_model(
    registry: LocalRegistry, media_type: str
) -> None:
    registry.image("t", [registry.layer(media_type, WEIGHTS, title="m.gguf")])
    if media_type.endswith("safetensors"):
        registry.image("t", [registry.layer(media_type, WEIGHTS, title="m.safetensors")])
    error = await refused(registry, InvalidSourceError)
    assert media_type in error.message


async def test_a_split_model_comes_whole_and_in_order(registry: LocalRegistry) -> None:
    names = [f"m-0000{part}-of-00002.gguf" for part in (2, 1)]
    registry.image("t", [registry.layer(GGUF, name.encode(), title=name) for name in names])
    assert [file.name for file in (await resolved(registry)).files] == sorted(names)


async def test_several_models_in_one_are_refused(registry: LocalRegistry) -> None:
    layers = [registry.layer(GGUF, name.encode(), title=name) for name in ("a.gguf", "b.gguf")]
    registry.image("t", layers)
    error = await refused(registry, SeveralFilesError)
    assert [one.name for one in error.choices] == ["a.gguf", "b.gguf"]
    registry.image("t", [registry.layer(GGUF, name, title="a.gguf") for name in (b"1", b"2")])
    await refused(registry, SourceUnsafeError)


def index(registry: LocalRegistry, *digests: str) -> str:
    about = {"vnd.docker.reference.type": "attestation-manifest"}
    entries: list[dict[str, Any]] = [
        {"digest": digest, "size": 1, "platform": {"architecture": "amd64", "os": f"os{number}"}}
        for number, digest in enumerate(digests)
    ]
    entries.append({"digest": digest_of(b"about"), "size": 1, "annotations": about})
    document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    return registry.raw("t", json.dumps(document).encode())


async def test_an_index_of_one_model_is_followed(oci: LocalRegistry) -> None:
    digest = index(oci, digest_of(oci.manifests["t"]))
    offer = await resolved(oci)
    assert offer.source.endswith(f"@{digest}")
    assert await fetched(offer) == [WEIGHTS]


async def test_an_index_of_several_asks_which_one(oci: LocalRegistry) -> None:
    inner = digest_of(oci.manifests["t"])
    other = oci.image("other", [oci.layer(GGUF, b"GGUF other")])
    index(oci, inner, other)
    error = await refused(oci, SeveralFilesError)
    assert "amd64/os1" in error.message
    assert f"stoker pull oci:{oci.host}/n/m:t@{inner}" in error.hint
    assert await fetched(await resolved(oci, f"n/m:t@{inner}")) == [WEIGHTS]


async def test_an_index_of_an_index_or_of_nothing_is_refused(oci: LocalRegistry) -> None:
    index(oci, index(oci, digest_of(oci.manifests["t"])))
    await refused(oci, SourceUnsafeError)
    index(oci)
    await refused(oci, InvalidSourceError)


async def test_a_tag_that_is_not_there(oci: LocalRegistry) -> None:
    assert ":nothing" in (await refused(oci, SourceMissingError, "n/m:nothing")).message
    await refused(oci, SourceMissingError, f"n/m:none@{digest_of(b'')}")


async def test_a_registry_that_knows_no_head(oci: LocalRegistry) -> None:
    honest = oci.registry

    async def without_head(request: web.Request) -> web.StreamResponse:
        if request.method == "HEAD":
            return web.Response(status=405)
        oci.instead = None
        try:
            return await honest(request)
        finally:
            oci.instead = without_head

    oci.instead = without_head
    assert (await resolved(oci)).model.digest == digest_of(WEIGHTS)


async def test_a_token_is_fetched_for_everybody_and_stays_with_the_registry(
    guarded: LocalRegistry,
) -> None:
    offer = await resolved(guarded)
    assert await fetched(offer) == [WEIGHTS]
    assert guarded.token_seen.paths == ["GET /token"]
    assert guarded.token_seen.queries == ["service=local&scope=repository:n/m:pull"]
    assert guarded.token_seen.secrets == []
    assert set(guarded.seen.secrets) == {f"Bearer {TOKEN}"}
    assert guarded.store_seen.paths
    assert guarded.store_seen.secrets == []
    assert TOKEN not in repr(offer)


async def test_what_docker_login_kept_gets_the_token(
    guarded: LocalRegistry, tmp_path: Path
) -> None:
    guarded.logins = {LOGIN}
    log_in(tmp_path, guarded.host)
    assert (await resolved(guarded)).files
    assert guarded.token_seen.secrets == [LOGIN]
    assert LOGIN not in guarded.seen.secrets


async def test_credentials_for_another_registry_are_not_sent(
    guarded: LocalRegistry, tmp_path: Path
) -> None:
    log_in(tmp_path, "registry.example")
    await resolved(guarded)
    assert guarded.token_seen.secrets == []


async def test_without_a_login_the_refusal_says_what_to_do(
    guarded: LocalRegistry, tmp_path: Path
) -> None:
    guarded.logins = {LOGIN}
    assert f"docker login {guarded.host}" in (await refused(guarded, SourceDeniedError)).hint
    (tmp_path / "config.json").write_text('{"credsStore": "desktop"}')
    assert "Stoker runs none" in (await refused(guarded, SourceDeniedError)).hint


async def test_a_registry_that_wants_the_login_itself_gets_it(
    guarded: LocalRegistry, tmp_path: Path
) -> None:
    guarded.challenge = 'Basic realm="here"'
    await refused(guarded, SourceDeniedError)
    log_in(tmp_path, guarded.host)
    await refused(guarded, SourceDeniedError)
    assert set(guarded.seen.secrets) == {LOGIN}
    assert guarded.token_seen.paths == []


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"auths": 5}', '{"auths": {"HOST": {"auth": "?"}}}']
)
async def test_a_file_that_docker_did_not_write_is_said(
    guarded: LocalRegistry, tmp_path: Path, text: str
) -> None:
    (tmp_path / "config.json").write_text(text.replace("HOST", guarded.host))
    assert "config.json" in (await refused(guarded, SourceDeniedError)).message


async def test_a_registry_that_refuses_the_token_it_gave_is_asked_no_more(
    guarded: LocalRegistry,
) -> None:
    guarded.token = {"token": "another"}
    await refused(guarded, SourceDeniedError)
    assert guarded.token_seen.paths == ["GET /token"]
    assert len(guarded.seen.paths) == 2


@pytest.mark.parametrize(
    "realm",
    [
        "http://auth.example/token",
        "ftp://127.0.0.1/token",
        "file:///etc/passwd",
        "https://user:word@auth.example/token",
        "https://",
        "https://[half",
        "https://h.example:99999/",
        "/token",
        "",
    ],
)
async def test_a_place_for_tokens_that_is_not_safe_is_not_asked(
    guarded: LocalRegistry, tmp_path: Path, realm: str
) -> None:
    log_in(tmp_path, guarded.host)
    guarded.challenge = f'Bearer realm="{realm}",service="local"'
    await refused(guarded, SourceUnsafeError)
    assert guarded.seen.secrets == []


@pytest.mark.parametrize("challenge", ["", "Digest realm=x", "Bearer", "x" * 5000])
async def test_a_challenge_of_no_known_form_is_a_refusal(
    guarded: LocalRegistry, challenge: str
) -> None:
    guarded.challenge = challenge
    await refused(guarded, SourceDeniedError)


@pytest.mark.parametrize(
    "answer",
    [
        b"garbage",
        b"",
        [],
        {},
        {"token": 5},
        {"token": "a b"},
        {"token": "a\r\nX-Evil: 1"},
        {"token": "x" * 20_000},
        b'{"token": "' + b"x" * 100_000 + b'"}',
        b"[" * 50_000,
    ],
    ids=lambda answer: str(answer)[:20],
)
async def test_a_token_that_is_none_is_refused(guarded: LocalRegistry, answer: Any) -> None:
    guarded.token = answer
    await refused(guarded, SourceUnsafeError)
    assert guarded.seen.secrets == []


async def test_a_registry_that_wants_fewer_requests(oci: LocalRegistry) -> None:
    async def busy(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": "1"})

    oci.instead = busy
    with pytest.raises(SourceError, match="429"):
        await resolved(oci)


async def test_a_registry_that_is_not_there(oci: LocalRegistry) -> None:
    oci.host = "127.0.0.1:1"
    await refused(oci, SourceUnreachableError)


@pytest.mark.parametrize("ollama", [False, True])
async def test_a_digest_that_lies_about_the_manifest(oci: LocalRegistry, ollama: bool) -> None:
    oci.ollama = ollama
    oci.lie = digest_of(b"another")
    oci.manifests[oci.lie] = oci.manifests["t"]
    await refused(oci, DigestMismatchError)


async def test_a_pinned_digest_whose_manifest_is_another(oci: LocalRegistry) -> None:
    wanted = digest_of(b"wanted")
    oci.manifests[wanted] = oci.manifests["t"]
    await refused(oci, DigestMismatchError, f"n/m:t@{wanted}")


BAD_DIGESTS = [
    "sha256:../..",
    "sha256:../../../../etc/passwd",
    "md5:" + "a" * 32,
    "sha256:" + "A" * 64,
]


@pytest.mark.parametrize("digest", BAD_DIGESTS)
async def test_a_stated_digest_of_the_wrong_form_leads_nowhere(
    oci: LocalRegistry, digest: str
) -> None:
    oci.lie = digest
    await refused(oci, SourceUnsafeError)
    assert [path for path in oci.seen.paths if "etc" in path] == []


@pytest.mark.parametrize("digest", [*BAD_DIGESTS, None, 5, ["sha256:" + "a" * 64]])
@pytest.mark.parametrize("where", ["layer", "config", "index"])
async def test_a_digest_of_the_wrong_form_is_refused(
    oci: LocalRegistry, digest: Any, where: str
) -> None:
    layer = oci.layer(GGUF, WEIGHTS)
    bad = {**layer, "digest": digest}
    if where == "index":
        entries = {"schemaVersion": 2, "manifests": [{"digest": digest}]}
        oci.raw("t", json.dumps(entries).encode())
    elif where == "config":
        oci.image("t", [layer], config=bad)
    else:
        oci.image("t", [bad])
    await refused(oci, SourceUnsafeError)


@pytest.mark.parametrize("size", [-1, 1 << 60, 1.5, "12", None, True, float("inf"), 10**30])
async def test_a_size_that_cannot_be_is_refused(oci: LocalRegistry, size: Any) -> None:
    oci.image("t", [{**oci.layer(GGUF, WEIGHTS), "size": size}])
    assert "size" in (await refused(oci, SourceUnsafeError)).message


async def test_a_text_with_the_size_of_a_model_is_refused(oci: LocalRegistry) -> None:
    template = {**oci.layer(f"{OLLAMA}.template", b"x"), "size": 1 << 40}
    oci.image("t", [oci.layer(GGUF, WEIGHTS), template])
    assert "template" in (await refused(oci, SourceUnsafeError)).message


@pytest.mark.parametrize(
    "name",
    ["../m.gguf", "/etc/m.gguf", "a/../../m.gguf", "a\\m.gguf", "a\0.gguf", "x" * 4096, "a\n"],
)
async def test_a_name_that_leads_elsewhere_is_refused(oci: LocalRegistry, name: str) -> None:
    oci.image("t", [oci.layer(GGUF, WEIGHTS, title=name)])
    assert (await refused(oci, SourceUnsafeError)).message.isprintable()


async def test_a_thousand_layers_are_refused(oci: LocalRegistry) -> None:
    oci.image("t", [oci.layer(GGUF, WEIGHTS)] * 1000)
    assert f"the limit is {LAYERS_MAX}" in (await refused(oci, SourceUnsafeError)).message
    oci.raw("t", json.dumps({"schemaVersion": 2, "manifests": [{}] * 1000}).encode())
    assert "1000" in (await refused(oci, SourceUnsafeError)).message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no JSON",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b"[" * 500_000,
        b'{"a":' * 150_000,
        b'{"schemaVersion": ' + b"9" * 5000 + b"}",
        b'{"schemaVersion": 1, "layers": []}',
        b'{"schemaVersion": true, "layers": []}',
        b'{"schemaVersion": 2, "layers": {}}',
        b'{"schemaVersion": 2, "layers": [[]]}',
        b'{"schemaVersion": 2, "layers": [], "manifests": []}',
        b'{"schemaVersion": 2, "layers": [], "mediaType": "text/html"}',
        b'{"schemaVersion": 2, "layers": [], "mediaType": ["x"]}',
        b'{"schemaVersion": 2, "manifests": [{"mediaType": "text/html"}]}',
        b'{"schemaVersion": 2, "layers": [{"mediaType": 5}]}',
        b'{"schemaVersion": 2, "layers": [{"mediaType": "a\\nb"}]}',
        b'{"schemaVersion": 2, "layers": [{"mediaType": "a", "annotations": 5}]}',
    ],
    ids=lambda data: ascii(data)[:70],
)
async def test_a_manifest_that_is_none_is_refused(oci: LocalRegistry, data: bytes) -> None:
    oci.raw("t", data)
    await refused(oci, SourceUnsafeError)


async def test_a_manifest_that_is_too_large_is_not_read_to_its_end(oci: LocalRegistry) -> None:
    oci.raw("t", b" " * (2 << 20))
    assert "more than" in (await refused(oci, SourceUnsafeError)).message


async def test_a_manifest_with_a_type_for_each_name_is_read_by_what_it_is(
    oci: LocalRegistry,
) -> None:
    oci.image("t", [oci.layer(f"{OLLAMA}.model; name=x", WEIGHTS)], mediaType=None)
    assert (await resolved(oci)).model.digest == digest_of(WEIGHTS)
