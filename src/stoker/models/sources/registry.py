"""Registries as sources: `ollama:name:tag` and `oci:host/name:tag[@digest]`.

Owns how a model's manifest is asked for and held to its digest. What manifests may hold is left to
`registry_manifest` and `registry_layers`, how to be let in to `registry_auth`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import replace

from stoker.core.errors import (
    DigestMismatchError,
    InvalidSourceError,
    SeveralFilesError,
    SourceMissingError,
    SourceUnsafeError,
)
from stoker.models.http import NO_HEADERS, Answer, Http
from stoker.models.sources.base import Offer
from stoker.models.sources.checks import checked_digest
from stoker.models.sources.docker_config import credentials_for
from stoker.models.sources.hosts import host_of, is_loopback
from stoker.models.sources.reference import RegistryReference
from stoker.models.sources.registry_auth import authorization, denied
from stoker.models.sources.registry_layers import files_of
from stoker.models.sources.registry_manifest import (
    IMAGE_TYPES,
    INDEX_TYPES,
    MANIFEST_BYTES_MAX,
    Image,
    Index,
    read_manifest,
)

ACCEPT = ", ".join((*IMAGE_TYPES, *INDEX_TYPES))
_DOCKER_HUB = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}


class RegistrySource:
    """One name in a registry that speaks the distribution protocol, or Ollama's form of it."""

    def __init__(self, reference: RegistryReference) -> None:
        self._reference = reference

    async def resolve(self, client: Http) -> Offer:
        """As for `Source`; the offer is pinned to the digest of the manifest that was found."""
        wanted = self._reference
        repository = Repository(client, wanted)
        digest, found = await self._manifest(repository)
        image = await self._image(repository, found) if isinstance(found, Index) else found
        name = f"{wanted.name.rsplit('/', 1)[-1]}-{wanted.tag}"
        files, notes = files_of(image, name, str(replace(wanted, digest=None)))
        placed = [
            replace(
                file,
                url=repository.blob_url(file.digest or ""),
                headers=repository.headers,
                authorize=repository.authorize,
            )
            for file in files
        ]
        return Offer(str(replace(wanted, digest=digest)), tuple(placed), notes)

    async def _manifest(self, repository: Repository) -> tuple[str, Image | Index]:
        wanted = self._reference
        if wanted.digest is None:
            return await repository.tagged(wanted.tag)
        try:
            return wanted.digest, await repository.pinned(wanted.digest)
        except SourceMissingError:  # Ollama's registry may know manifests by their tags only
            digest, found = await repository.tagged(wanted.tag)
        if digest != wanted.digest:
            raise SourceMissingError(
                f"{wanted} is there no more; the tag names another model now",
                hint="leave the digest out to get that one",
            )
        return digest, found

    async def _image(self, repository: Repository, index: Index) -> Image:
        what = str(replace(self._reference, digest=None))
        if not index.entries:
            raise InvalidSourceError(f"{what} is an index of nothing")
        if len(index.entries) > 1:
            listed = ", ".join(f"{one.label or '?'} @{one.digest}" for one in index.entries[:8])
            raise SeveralFilesError(
                f"{what} has {len(index.entries)} models: {listed}",
                hint=f"name one, for instance `stoker pull {what}@{index.entries[0].digest}`",
            )
        found = await repository.pinned(index.entries[0].digest)
        if isinstance(found, Index):
            raise SourceUnsafeError(f"{what} is an index of an index")
        return found


class Repository:
    """One repository of a registry; it is asked over http on this machine, else over https.

    `headers` let in; they are empty until the registry has asked for something.
    """

    def __init__(self, client: Http, wanted: RegistryReference) -> None:
        self._client = client
        self._host = _DOCKER_HUB.get(wanted.host.lower(), wanted.host)
        official = self._host != wanted.host and "/" not in wanted.name
        self._name = f"library/{wanted.name}" if official else wanted.name
        self._what = str(replace(wanted, digest=None))
        scheme = "http" if is_loopback(host_of(self._host)) else "https"
        self._base = f"{scheme}://{self._host}/v2/{self._name}"
        self.headers: Mapping[str, str] = NO_HEADERS
        self._knocked = wanted.tag  # the manifest that was asked for last
        self._one_at_a_time = asyncio.Lock()

    def blob_url(self, digest: str) -> str:
        """Where the blob with `digest`, which has been checked, is fetched."""
        return f"{self._base}/blobs/{digest}"

    async def authorize(self) -> Mapping[str, str]:
        """The headers that let in now; others than before where those do so no more.

        Raises:
            SourceError: we are not let in any more, or it cannot be asked.
        """
        async with self._one_at_a_time:
            await self._knock(self._knocked)
        return self.headers

    async def tagged(self, tag: str) -> tuple[str, Image | Index]:
        """The digest of the manifest that `tag` names now, and what it says.

        Raises:
            SourceError: there is none, it is not for us, it is another than the registry says, or
                it is not of its form.
        """
        answer = await self._knock(tag)
        if stated := answer.headers.get("Docker-Content-Digest"):
            digest = checked_digest(stated, self._what)
            return digest, self._checked(await self._get(digest), digest)
        # Ollama's registry states 64 digits, and need not have manifests under their digests.
        told = answer.headers.get("Ollama-Content-Digest")
        expected = checked_digest(f"sha256:{told}", self._what) if told else None
        data = await self._get(tag)
        digest = expected or _digest_of(data)
        return digest, self._checked(data, digest)

    async def pinned(self, digest: str) -> Image | Index:
        """What the manifest with `digest`, which has been checked, says.

        Raises:
            SourceError: as for `tagged`.
        """
        await self._knock(digest)
        return self._checked(await self._get(digest), digest)

    def _checked(self, data: bytes, digest: str) -> Image | Index:
        found = _digest_of(data)
        if found != digest:
            raise DigestMismatchError(
                f"{self._what}: the manifest is {found} and should be {digest}",
                hint="if it was changed just now, try again; else do not trust the registry",
            )
        return read_manifest(data, self._what)

    async def _knock(self, name: str) -> Answer:
        """What the registry says about the manifest `name`, once it lets us in.

        What is no clear yes or no is answered as it is: whoever then fetches waits and complains.
        """
        self._knocked = name
        answer = await self._ask(name)
        if answer.status == 401:
            challenge = answer.headers.get("WWW-Authenticate")
            self.headers = await authorization(self._client, challenge, self._host, self._name)
            answer = await self._ask(name)
        if answer.status in {401, 403}:
            raise denied(self._host, self._name, credentials_for(self._host))
        if answer.status == 404:
            raise SourceMissingError(f"{self._what} is not in its registry")
        return answer

    async def _ask(self, name: str) -> Answer:
        url, headers = self._manifest_url(name), self._headers()
        answer = await self._client.request("HEAD", url, headers=headers)
        if answer.status in {404, 405, 501}:  # some know no HEAD
            answer = await self._client.request("GET", url, headers=headers)
        return answer

    async def _get(self, name: str) -> bytes:
        return await self._client.get_bytes(
            self._manifest_url(name), headers=self._headers(), most_bytes=MANIFEST_BYTES_MAX
        )

    def _manifest_url(self, name: str) -> str:
        return f"{self._base}/manifests/{name}"

    def _headers(self) -> dict[str, str]:
        return {**self.headers, "Accept": ACCEPT}


def _digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
