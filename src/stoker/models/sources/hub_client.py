"""What `huggingface_hub` is used for: the description of one repository.

Owns the import of that library, which takes a fifth of a second: `hub` imports this module when it
needs it. What a description means is left to `hub`, the bounds of the library's requests to
`hub_watch`, its errors to `hub_errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import huggingface_hub as library
from huggingface_hub import constants

from stoker.core.errors import StokerError
from stoker.models.sources.hosts import is_loopback
from stoker.models.sources.hub_errors import Translator
from stoker.models.sources.hub_watch import Watch, watched

STEP_S = 10.0


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository, as the hub describes it: nothing is checked yet."""

    name: Any
    size_bytes: Any
    sha256: Any


@dataclass(frozen=True, slots=True)
class Listing:
    """A repository at one commit; `headers` holds the token, where there is one."""

    commit: Any
    files: tuple[HubFile, ...]
    headers: Mapping[str, str] = field(repr=False)
    notes: tuple[str, ...] = ()


def look(repository: str, revision: str | None, wait_s: float) -> Listing:
    """What the hub has in `repository` now. Blocks, for little more than `wait_s` seconds.

    Raises:
        SourceError: the hub cannot be reached, denies, has no such repository or revision, or
            answers with what is no description. No message holds the token.
        InvalidSourceError: the hub has no such names.
    """
    try:
        token, notes = _token()
        with watched(library.get_session(), Watch(constants.ENDPOINT, wait_s, STEP_S)):
            found = _describe(library.HfApi(token=token or False), repository, revision)
    except StokerError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever is raised in there may quote the token
        raise Translator(repository, revision).translated(error) from None
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Listing(found.sha, tuple(_file(one) for one in found.siblings or ()), headers, notes)


def file_url(repository: str, name: str, commit: str) -> str:
    """Where the bytes of a file at one commit are."""
    return library.hf_hub_url(repository, name, revision=commit, endpoint=constants.ENDPOINT)


def _token() -> tuple[str | None, tuple[str, ...]]:
    """The token that the library finds, and what to say about it."""
    token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else library.get_token()
    url = httpx.URL(constants.ENDPOINT)
    if token is None or url.scheme == "https" or is_loopback(url.host):
        return token, ()
    return None, (f"the token was not sent: HF_ENDPOINT ({url.host}) is not an https address",)


def _describe(api: library.HfApi, repository: str, revision: str | None) -> library.ModelInfo:
    found = api.model_info(repository, revision=revision, files_metadata=True)
    if found.gated:  # described to everybody, given only to those who accepted its terms
        api.auth_check(repository)
    return found


def _file(sibling: library.hf_api.RepoSibling) -> HubFile:
    if sibling.lfs is None:
        return HubFile(sibling.rfilename, sibling.size, None)
    return HubFile(sibling.rfilename, sibling.lfs.size, sibling.lfs.sha256)
