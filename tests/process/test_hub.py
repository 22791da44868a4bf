"""`hf:` in a process of its own: what the environment says to the hub's library counts."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.local_hub import COMMIT, LocalHub, local_hub

pytestmark = pytest.mark.slow


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalHub]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    async with local_hub({"m-Q8_0.gguf": b"GGUF eight"}) as hub:
        yield hub


PROCESS = """
import asyncio, sys
from stoker.core.errors import StokerError
from stoker.models.sources.opening import source_for
from stoker.models.sources.reference import parse_reference
try:
    offer = asyncio.run(source_for(parse_reference("hf:owner/repo")).resolve(None))
    print(dict(offer.model.headers).get("Authorization"), offer.model.url)
except StokerError as error:
    print(type(error).__name__)
"""


async def in_a_process(**environment: str) -> str:
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, stdout=subprocess.PIPE, env={**os.environ, **environment}
    )
    told, _ = await started.communicate()
    assert started.returncode == 0
    return told.decode().strip()


async def test_the_environment_variables_of_the_hubs_library_count(
    hub: LocalHub, tmp_path: Path
) -> None:
    url = f"{hub.url}/owner/repo/resolve/{COMMIT}/m-Q8_0.gguf"
    (tmp_path / "token").write_text("hf_kept")
    place = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path)}
    assert await in_a_process(**place) == f"Bearer hf_kept {url}"
    assert await in_a_process(**place, HF_TOKEN="hf_given") == f"Bearer hf_given {url}"
    assert await in_a_process(**place, HF_HUB_DISABLE_IMPLICIT_TOKEN="1") == f"None {url}"
    assert hub.seen.secrets == ["Bearer hf_kept", "Bearer hf_given"]
    hub.seen.paths.clear()
    assert await in_a_process(**place, HF_HUB_OFFLINE="1") == "SourceUnreachableError"
    assert hub.seen.paths == []
