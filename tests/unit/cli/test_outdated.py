"""`stoker outdated`, through its command, against a registry on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stoker.cli import outdated
from stoker.core.errors import ModelNotFoundError
from stoker.core.model import ModelRef
from stoker.models.pulling.freshness import unknown
from stoker.models.storing.manifest import Layer, Manifest
from stoker.models.storing.store import Store
from support.local_registry import LocalRegistry, digest_of, local_registry
from support.plain_http import plain_http

GGUF = "application/vnd.docker.ai.gguf.v3"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setattr(outdated, "open_client", plain_http)
    return Store(tmp_path / "home" / "models")


@pytest.fixture
async def registry() -> AsyncIterator[LocalRegistry]:
    async with local_registry() as registry:
        registry.image("t", [registry.layer(GGUF, b"GGUF newer")])
        yield registry


def add(store: Store, name: str, source: str, data: bytes = b"GGUF old") -> None:
    store.parts.mkdir(parents=True, exist_ok=True)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    (store.parts / "x").write_bytes(data)
    store.adopt(store.parts / "x", digest)
    layer = Layer(digest, len(data), "model", "a.gguf")
    store.put(Manifest(ModelRef.parse(name), source, (layer,), 1_700_000_000, {}))


async def call(*arguments: str) -> Result:
    """The command on a thread of its own: it runs its own event loop."""
    return await asyncio.to_thread(CliRunner().invoke, outdated.command, list(arguments))


def test_what_signs_an_address_is_not_shown(store: Store) -> None:
    add(store, "m", "https://host/a?sig=s3cret")
    found = unknown(store.manifests()[0], "why")
    told = outdated.describe(replace(found, new_source="https://host/b?sig=s3cret"))
    assert (told["source"], told["new_source"]) == ("https://host/a", "https://host/b")


async def document(*arguments: str) -> Any:
    return json.loads((await call(*arguments, "--json")).stdout)


async def test_what_has_changed_is_shown_with_both_digests_and_sizes(
    store: Store, registry: LocalRegistry
) -> None:
    add(store, "shop", f"oci:{registry.host}/n/m:t")
    done = await call()
    assert done.exit_code == 0
    old, new = (digest_of(data)[7:19] for data in (b"GGUF old", b"GGUF newer"))
    words = [word.strip() for word in done.stdout.splitlines()[1].split("  ") if word.strip()]
    assert words == ["shop", "newer", f"{old} (8 B)", f"{new} (10 B)"]
    assert done.stderr == "1 model is newer there\nhint: stoker pull shop\n"


async def test_programs_get_whole_digests_and_reasons(
    store: Store, registry: LocalRegistry, tmp_path: Path
) -> None:
    add(store, "shop", f"oci:{registry.host}/n/m:t")
    add(store, "lost", f"oci:{registry.host}/n/m:lost")
    here = tmp_path / "m.gguf"
    here.write_bytes(b"GGUF old")
    add(store, "here", str(here))
    found = {one["model"]: one for one in await document()}
    assert found["shop"] == {
        "model": "shop",
        "state": "newer",
        "source": f"oci:{registry.host}/n/m:t",
        "digest": digest_of(b"GGUF old"),
        "bytes": 8,
        "new_source": f"oci:{registry.host}/n/m:t@{digest_of(registry.manifests['t'])}",
        "new_digest": digest_of(b"GGUF newer"),
        "new_bytes": 10,
        "reason": "",
    }
    assert found["lost"]["state"] == "gone"
    assert "not in its registry" in found["lost"]["reason"]
    assert (found["here"]["state"], found["here"]["new_digest"]) == ("local", None)


async def test_only_what_is_named_is_asked_for(store: Store, registry: LocalRegistry) -> None:
    add(store, "shop", f"oci:{registry.host}/n/m:t", b"GGUF newer")
    add(store, "other", f"oci:{registry.host}/n/m:other")
    assert [(one["model"], one["state"]) for one in await document("shop")] == [("shop", "current")]
    assert [path for path in registry.seen.paths if "other" in path] == []


async def test_a_name_that_is_not_stored_is_an_error_and_nobody_is_asked(
    store: Store, registry: LocalRegistry
) -> None:
    add(store, "shop", f"oci:{registry.host}/n/m:t")
    assert isinstance((await call("shop", "shpo")).exception, ModelNotFoundError)
    assert registry.seen.paths == []


async def test_a_source_that_is_down_is_no_failure_of_the_command(store: Store) -> None:
    add(store, "shop", "oci:127.0.0.1:1/n/m:t")
    done = await call()
    assert done.exit_code == 0
    assert "unknown" in done.stdout


async def test_an_empty_store_says_so(store: Store) -> None:
    assert await document() == []
    assert "Nothing is stored" in (await call()).stderr


async def test_the_help_says_what_the_exit_code_is() -> None:
    shown = (await call("--help")).stdout
    assert "Examples:" in shown
    assert "exit code is 0" in shown
