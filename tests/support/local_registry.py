"""A registry on loopback: the distribution protocol's reading half, or Ollama's form of it.

Three servers: the registry, the one that gives tokens, and the one behind that has the blobs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import web

from support.serving import Handler, Seen, ranged, served

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
TOKEN = "a.secret-token"
OTHER_HOST = "127.0.0.2"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class LocalRegistry:
    """One registry.

    `ollama`: digests are stated as Ollama's does, and manifests found by their tags only.
    `guarded`: reading needs the token; `logins` are the values of Authorization that get one, or
    empty where everybody does. `uses` is for how many blobs each token lasts, one token after the
    other, and further ones for ever; blobs come from the registry itself then. `challenge`,
    `token`, `lie` and `instead` are for hostile ones.
    """

    def __init__(self) -> None:
        self.manifests: dict[str, bytes] = {}
        self.blobs: dict[str, bytes] = {}
        self.ollama = self.guarded = False
        self.logins: set[str] = set()
        self.uses: list[int] | None = None
        self._left, self._issued = 0, 0
        self.challenge: str | None = None
        self.token: Any = {"token": TOKEN}
        self.lie: str | None = None
        self.instead: Handler | None = None
        self.seen, self.token_seen, self.store_seen = Seen(), Seen(), Seen()
        self.host = self.token_url = self.store_url = ""

    def layer(self, media_type: str, data: bytes, **annotations: str) -> dict[str, Any]:
        """The description of a blob, which is kept."""
        self.blobs[digest_of(data)] = data
        names = {f"org.opencontainers.image.{key}": value for key, value in annotations.items()}
        described = {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}
        return {**described, "annotations": names} if names else described

    def image(self, tag: str, layers: Sequence[Any], **fields: Any) -> str:
        """Keep a manifest of `layers` under `tag`, and return its digest."""
        config = self.layer("application/vnd.docker.container.image.v1+json", b"{}")
        document = {
            "schemaVersion": 2,
            "mediaType": DOCKER if self.ollama else IMAGE,
            "config": config,
            "layers": list(layers),
            **fields,
        }
        return self.raw(tag, json.dumps(document).encode())

    def raw(self, tag: str, data: bytes) -> str:
        """Keep `data` as the manifest of `tag`, and return its digest."""
        self.manifests[tag] = data
        if not self.ollama:
            self.manifests[digest_of(data)] = data
        return digest_of(data)

    async def registry(self, request: web.Request) -> web.StreamResponse:
        if self.instead is not None:
            return await self.instead(request)
        if self.guarded and not self._lets_in(request):
            return web.Response(status=401, headers={"WWW-Authenticate": self._challenge()})
        _, _, name = request.path.partition("/manifests/")
        if name in self.manifests:
            return self._manifest(request, self.manifests[name])
        _, _, digest = request.path.partition("/blobs/")
        if digest in self.blobs and self.uses is not None:
            return ranged(request, self.blobs[digest])
        if digest in self.blobs:
            location = f"{self.store_url}/{digest}"
            return web.Response(status=307, headers={"Location": location})
        return web.Response(status=404, text='{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')

    async def tokens(self, request: web.Request) -> web.StreamResponse:
        if self.logins and request.headers.get("Authorization") not in self.logins:
            return web.Response(status=401)
        if isinstance(self.token, bytes):
            return web.Response(body=self.token)
        if self.uses is not None:
            self._left = self.uses.pop(0) if self.uses else 1 << 30
            self._issued += 1
            return web.json_response({"token": f"{TOKEN}{self._issued}"})
        return web.json_response(self.token)

    async def store(self, request: web.Request) -> web.StreamResponse:
        return ranged(request, self.blobs[request.path.removeprefix("/")])

    def _lets_in(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization")
        if self.uses is None:
            return given == f"Bearer {TOKEN}"
        if given != f"Bearer {TOKEN}{self._issued}" or not self._left:
            return False
        self._left -= "/blobs/" in request.path
        return True

    def _challenge(self) -> str:
        if self.challenge is not None:
            return self.challenge
        return f'Bearer realm="{self.token_url}/token",service="local",scope="repository:n/m:pull"'

    def _manifest(self, request: web.Request, data: bytes) -> web.Response:
        stated = self.lie if self.lie is not None else digest_of(data)
        headers = {"Docker-Content-Digest": stated}
        if self.ollama:
            told = {"Ollama-Content-Digest": stated.removeprefix("sha256:")}
            headers = told if request.method == "HEAD" else {}
        return web.Response(body=data, content_type=IMAGE, headers=headers)


@asynccontextmanager
async def local_registry() -> AsyncIterator[LocalRegistry]:
    """A registry that runs, for a block; `host` is how a reference names it."""
    one = LocalRegistry()
    async with AsyncExitStack() as stack:
        one.store_url = await stack.enter_async_context(
            served(one.store, one.store_seen, OTHER_HOST)
        )
        one.token_url = await stack.enter_async_context(served(one.tokens, one.token_seen))
        url = await stack.enter_async_context(served(one.registry, one.seen))
        one.host = url.removeprefix("http://")
        yield one
