"""One pull over each protocol, against servers that speak it: a secret stays where it belongs."""

from __future__ import annotations

import traceback
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.errors import SourceDeniedError
from stoker.models.catalogue import STARTER_FOLDER, find_model
from stoker.models.download.client import HttpClient
from stoker.models.download.events import Retrying, Told, told_nobody
from stoker.models.download.limits import DEFAULT_LIMITS, DownloadLimits
from stoker.models.pulling.pull import Audience, Pull, Pulled
from stoker.models.sources.reference import parse_reference
from stoker.models.storing.store import Store
from support import local_hub, local_registry
from support.downloading import LIMITS, Ear

DATA = (STARTER_FOLDER / "starter.gguf").read_bytes()
OLLAMA = "application/vnd.ollama.image"


async def pull(
    text: str, store: Store, *, limits: DownloadLimits = DEFAULT_LIMITS, told: Told = told_nobody
) -> Pulled:
    audience = Audience(told, lambda _: None, lambda _: True)
    async with HttpClient(limits=limits) as client:
        return await Pull(parse_reference(text), None, store, audience).run(client)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["ollama", "oci"])
async def test_a_model_of_a_registry_that_wants_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    store = Store(tmp_path / "models")
    async with local_registry.local_registry() as registry:
        registry.guarded, registry.ollama = True, scheme == "ollama"
        kinds = {"model": DATA, "license": b"free", "template": b"{{ .Prompt }}"}
        layers = [registry.layer(f"{OLLAMA}.{kind}", data) for kind, data in kinds.items()]
        digest = registry.image("v1", layers)
        reference = f"{scheme}:{registry.host}/some/shop:v1"
        pulled = await pull(reference, store)
        assert not (await pull(reference, store)).changed
    assert str(pulled.manifest.ref) == "shop:v1"
    assert pulled.manifest.source == f"{reference}@{digest}"
    assert [layer.kind for layer in pulled.manifest.layers] == ["model", "licence", "template"]
    assert find_model("shop:v1", store).path.read_bytes() == DATA
    assert set(registry.seen.secrets) == {f"Bearer {local_registry.TOKEN}"}
    assert registry.store_seen.secrets == []


@pytest.mark.slow
@pytest.mark.parametrize(("connections", "uses"), [(1, [4] * 9), (3, [4])])
async def test_a_token_that_expires_midway_is_asked_for_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connections: int, uses: list[int]
) -> None:
    """Those that fetch together ask for one new token, not for one each."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    store, ear = Store(tmp_path / "models"), Ear()
    limits = replace(LIMITS, connections=connections, piece_bytes_max=1 << 20, ramp_s=0.001)
    async with local_registry.local_registry() as registry:
        registry.guarded, registry.uses = True, uses.copy()
        kinds = {"model": DATA, "license": b"free"}
        layers = [registry.layer(f"{OLLAMA}.{kind}", data) for kind, data in kinds.items()]
        registry.image("v1", layers)
        pulled = await pull(f"oci:{registry.host}/some/shop:v1", store, limits=limits, told=ear)
    assert store.blob(pulled.manifest.model.digest).read_bytes() == DATA
    assert ear.of(Retrying) == []
    tokens = len(registry.token_seen.paths)
    assert tokens == 2 if connections > 1 else tokens > 2


@pytest.mark.slow
async def test_a_new_token_that_is_refused_too_ends_it_and_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    store = Store(tmp_path / "models")
    async with local_registry.local_registry() as registry:
        registry.guarded, registry.uses = True, [1, 0, 0, 0]
        registry.image("v1", [registry.layer(f"{OLLAMA}.model", DATA)])
        with pytest.raises(SourceDeniedError) as caught:
            await pull(f"oci:{registry.host}/some/shop:v1", store)
    assert len(registry.token_seen.paths) == 2
    shown = "".join(traceback.format_exception(caught.value))
    assert local_registry.TOKEN not in shown


@pytest.mark.slow
async def test_a_model_of_a_hub_that_wants_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants  # noqa: PLC0415 - slow to import

    store = Store(tmp_path / "models")
    async with local_hub.local_hub({"m-Q8_0.gguf": DATA}) as hub:
        template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setenv("HF_TOKEN", "hf_token")
        hub.token = "hf_token"
        pulled = await pull("hf:owner/repo", store)
        assert not (await pull("hf:owner/repo", store)).changed
    assert str(pulled.manifest.ref) == "repo:q8_0"
    assert pulled.manifest.source.endswith(f"#commit={local_hub.COMMIT}")
    assert find_model("repo:q8_0", store).path.read_bytes() == DATA
    assert set(hub.seen.secrets) == {"Bearer hf_token"}
    assert hub.store_seen.secrets == []
