"""A hub on loopback that speaks what `huggingface_hub` asks of Hugging Face's.

Its own library is the contract: `hf_hub_download` fetches from it, token, redirect and all.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import web

from support.serving import Seen, ranged, served

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER_HOST = "127.0.0.2"


class LocalHub:
    """One repository `owner/repo`, its files in LFS, their bytes on a second server.

    `token` lets in, where it is set. `answer` replaces the description; `repeat` answers a
    description with something else altogether.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.commit = COMMIT
        self.revisions = {"main", COMMIT}
        self.token: str | None = None
        self.gated: Any = False
        self.description: dict[str, Any] = {}
        self.instead: Any = None
        self.seen = Seen()
        self.store_seen = Seen()
        self.url = ""
        self.store_url = ""

    async def hub(self, request: web.Request) -> web.StreamResponse:
        path = unquote(request.path)
        if self.instead is not None:
            answer: web.StreamResponse = await self.instead(request)
            return answer
        if path.startswith("/owner/repo/resolve/"):
            return self._resolve(request, path)
        if not path.startswith("/api/models/owner/repo"):
            return _refusal(404, "RepoNotFound")
        if path.endswith("/auth-check"):
            return self._denied(request) or web.json_response({})
        return self._describe(request, path)

    async def store(self, request: web.Request) -> web.StreamResponse:
        return ranged(request, self.files[request.path.removeprefix("/lfs/")])

    def _describe(self, request: web.Request, path: str) -> web.StreamResponse:
        if self.token and not self.gated and (denied := self._denied(request)):
            return denied
        _, given, revision = path.partition("/revision/")
        if given and revision not in self.revisions:
            return _refusal(404, "RevisionNotFound")
        siblings = [_sibling(name, data) for name, data in self.files.items()]
        if "README.md" not in self.files:
            siblings.append({"rfilename": "README.md", "size": 5, "blobId": "a" * 40})
        return web.json_response(
            {
                "id": "owner/repo",
                "sha": self.commit,
                "gated": self.gated,
                "siblings": siblings,
                "tags": [],
                **self.description,
            }
        )

    def _resolve(self, request: web.Request, path: str) -> web.StreamResponse:
        revision, _, name = path.removeprefix("/owner/repo/resolve/").partition("/")
        if revision not in self.revisions:
            return _refusal(404, "RevisionNotFound")
        if denied := self._denied(request):
            return denied
        headers = {
            "X-Repo-Commit": self.commit,
            "X-Linked-Etag": f'"{hashlib.sha256(self.files[name]).hexdigest()}"',
            "X-Linked-Size": str(len(self.files[name])),
            "ETag": '"of the pointer"',
            "Location": f"{self.store_url}/lfs/{name}",
        }
        return web.Response(status=302, headers=headers)

    def _denied(self, request: web.Request) -> web.Response | None:
        if self.token is None or request.headers.get("Authorization") == f"Bearer {self.token}":
            return None
        return _refusal(403, "GatedRepo") if self.gated else _refusal(401, "RepoNotFound")


def _sibling(name: str, data: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    lfs = {"sha256": digest, "size": len(data), "pointerSize": 134}
    return {"rfilename": name, "size": len(data), "blobId": "b" * 40, "lfs": lfs}


def _refusal(status: int, code: str) -> web.Response:
    text = json.dumps({"error": code})
    return web.Response(status=status, headers={"X-Error-Code": code}, text=text)


def ask_here(monkeypatch: pytest.MonkeyPatch, hub: LocalHub, folder: Path) -> None:
    """Let `huggingface_hub` ask `hub`, as if HF_ENDPOINT named it; tokens are kept in `folder`."""
    from huggingface_hub import constants  # noqa: PLC0415 - slow, and only for some tests

    template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(folder / "token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)


@asynccontextmanager
async def local_hub(files: dict[str, bytes]) -> AsyncIterator[LocalHub]:
    """A hub that runs, for a block."""
    hub = LocalHub(files)
    async with AsyncExitStack() as stack:
        hub.store_url = await stack.enter_async_context(
            served(hub.store, hub.store_seen, OTHER_HOST)
        )
        hub.url = await stack.enter_async_context(served(hub.hub, hub.seen))
        yield hub


async def never(_request: web.Request) -> web.StreamResponse:
    """Answer after the test has given up."""
    await asyncio.Event().wait()
    raise AssertionError
