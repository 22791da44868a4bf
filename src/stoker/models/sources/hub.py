"""Hugging Face as a source: `hf:owner/repo[:quantization or file][@revision]`.

Owns what a repository's description is checked for, and which of its files are taken. Asking the
hub is left to `hub_client`, fetching to `stoker.models.download`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from stoker.core.errors import (
    DigestMismatchError,
    InvalidSourceError,
    SourceDeniedError,
    SourceUnreachableError,
    SourceUnsafeError,
)
from stoker.models.checkpoint.folder import POOLING
from stoker.models.download.events import told_nobody
from stoker.models.download.failures import Patience, TransientError
from stoker.models.download.limits import DEFAULT_LIMITS, Timing
from stoker.models.http import Http
from stoker.models.sources.base import (
    PROJECTOR,
    Checkpoint,
    Offer,
    Offered,
    choose,
    listed,
    quantization_of,
)
from stoker.models.sources.checks import checked_digest, checked_name, checked_size
from stoker.models.sources.reference import HubReference, Reference
from stoker.models.sources.threads import in_thread

if TYPE_CHECKING:
    from stoker.models.sources.hub_client import HubFile, Listing

WAIT_S = 30.0
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SAFETENSORS = (".safetensors",)
_CHECKPOINT = (*_SAFETENSORS, ".json", ".jinja", ".model", ".md")
FileUrl = Callable[[str], str]
T = TypeVar("T")


class HubSource:
    """One repository of Hugging Face, or of the hub that HF_ENDPOINT names."""

    def __init__(
        self, reference: HubReference, wait_s: float = WAIT_S, timing: Timing | None = None
    ) -> None:
        self._reference = reference
        self._wait_s = wait_s
        self._timing = timing or Timing()

    async def resolve(self, client: Http) -> Offer:  # noqa: ARG002 - huggingface_hub has its own
        """As for `Source`; the offer is pinned to the commit that the revision names now."""
        return await self._in_time(self._resolve)

    async def look(self) -> Offer | Checkpoint:
        """As `resolve`; a repository that has safetensors and no GGUF is a checkpoint."""
        return await self._in_time(self._look)

    async def _in_time(self, work: Callable[[], T]) -> T:
        limits = replace(DEFAULT_LIMITS, tries=DEFAULT_LIMITS.small_tries)
        patience = Patience(str(self._reference), limits, self._timing, told_nobody)
        while True:
            try:
                return await in_thread(work, self._wait_s)
            except TransientError as failure:
                await patience.wait(failure)
            except TimeoutError:
                raise SourceUnreachableError(
                    f"{self._reference}: the hub did not answer within {self._wait_s:g} s"
                ) from None

    def _resolve(self) -> Offer:
        return offer_of(self._reference, *self._listed())

    def _look(self) -> Offer | Checkpoint:
        return found_in(self._reference, *self._listed())

    def _listed(self) -> tuple[Listing, FileUrl]:
        from stoker.models.sources import hub_client  # noqa: PLC0415 - a fifth of a second

        wanted = self._reference
        repository = f"{wanted.owner}/{wanted.repo}"
        listing = hub_client.look(repository, wanted.commit or wanted.revision, self._wait_s)
        commit = _checked_commit(listing, wanted)
        return listing, lambda name: hub_client.file_url(repository, name, commit)


@contextmanager
def explained(reference: Reference) -> Iterator[None]:
    """Say of a denial while files of `reference` are asked for what helps at the hub, if it is one.

    Raises:
        SourceDeniedError: in place of the one that was raised.
    """
    try:
        yield
    except SourceDeniedError as error:
        if not isinstance(reference, HubReference):
            raise
        raise SourceDeniedError(
            error.message,
            hint="accept the model's terms at its page, and set HF_TOKEN to a token that may read",
        ) from error


def found_in(wanted: HubReference, listing: Listing, url: FileUrl) -> Offer | Checkpoint:
    """The model of `listing` that is `wanted`; raises as `offer_of`. Pure."""
    if wanted.choice is not None or _has_gguf(listing) or not _has_safetensors(listing):
        return offer_of(wanted, listing, url)
    what = f"hf:{wanted.owner}/{wanted.repo}"
    pinned = replace(wanted, commit=_checked_commit(listing, wanted))
    beside = [file for file in listing.files if _lies_beside(file.name)]
    files = [_offered(file, listing, what, url) for file in beside]
    return Checkpoint(str(pinned), wanted.repo, {file.name: file for file in files})


def offer_of(wanted: HubReference, listing: Listing, url: FileUrl) -> Offer:
    """The model of `listing` that is `wanted`, and its projector. Pure.

    A projector (mmproj) is taken with its model when its folder holds exactly one: without it the
    model takes no pictures, and there is nothing to choose. Of several none is taken, and a note
    says so.

    Raises:
        SourceUnsafeError: a name, size or digest is of the wrong form.
        SeveralFilesError: more than one model fits.
        InvalidSourceError: none does.
    """
    commit = _checked_commit(listing, wanted)
    what = f"hf:{wanted.owner}/{wanted.repo}"
    if not _has_gguf(listing) and _has_safetensors(listing):
        raise InvalidSourceError(
            f"{what} has safetensors; Stoker runs GGUF",
            hint="name a repository with .gguf files, or download the folder and make one of it:"
            " `stoker import DIR`",
        )
    files = [_offered(file, listing, what, url) for file in listing.files if _is_gguf(file.name)]
    if len({file.name for file in files}) < len(files):
        raise SourceUnsafeError(f"{what} lists a file twice")
    revision = f"@{wanted.revision}" if wanted.revision else ""
    models = choose(
        files, wanted.choice, f"{what}{revision}", lambda name: _projectors(files, name)[0]
    )
    projectors, notes = _projectors(files, models[0].name)
    choice = wanted.choice or _choice(models[0].name)
    pinned = replace(wanted, commit=commit, choice=choice)
    return Offer(str(pinned), (*models, *projectors), (*listing.notes, *notes), listed(files))


def _checked_commit(listing: Listing, wanted: HubReference) -> str:
    commit = listing.commit
    if not isinstance(commit, str) or _COMMIT.fullmatch(commit) is None:
        raise SourceUnsafeError(f"{wanted}: the hub names no commit")
    if wanted.commit is not None and commit != wanted.commit:
        raise DigestMismatchError(f"{wanted}: the hub answers for the commit {commit}")
    return commit


def _is_gguf(name: object) -> bool:
    return isinstance(name, str) and name.lower().endswith(".gguf")


def _has_gguf(listing: Listing) -> bool:
    return any(_is_gguf(file.name) for file in listing.files)


def _has_safetensors(listing: Listing) -> bool:
    return any(_lies_beside(file.name, _SAFETENSORS) for file in listing.files)


def _lies_beside(name: object, endings: tuple[str, ...] = _CHECKPOINT) -> bool:
    """Whether a file belongs to the model that lies at the repository's top."""
    if not isinstance(name, str) or not name.endswith(endings):
        return False
    return "/" not in name or name == POOLING


def _offered(file: HubFile, listing: Listing, what: str, url: FileUrl) -> Offered:
    name = checked_name(file.name, what)
    digest = file.sha256
    return Offered(
        name=name,
        size_bytes=checked_size(file.size_bytes, f"{what}/{name}"),
        digest=None if digest is None else checked_digest(f"sha256:{digest}", f"{what}/{name}"),
        url=url(name),
        headers=listing.headers,
        quantization=quantization_of(name),
    )


def _projectors(
    files: Sequence[Offered], model: str
) -> tuple[tuple[Offered, ...], tuple[str, ...]]:
    folder, _, _ = model.rpartition("/")
    found = [file for file in files if _is_projector(file.name, folder)]
    if len(found) <= 1:
        return tuple(replace(file, kind=PROJECTOR) for file in found), ()
    names = ", ".join(file.name for file in found[:8])
    return (), (f"none of the {len(found)} projectors was taken, so it takes no pictures: {names}",)


def _is_projector(name: str, folder: str) -> bool:
    place, _, base = name.rpartition("/")
    return place == folder and base.lower().startswith("mmproj")


def _choice(name: str) -> str | None:
    """`name`, so that the same file is looked for later; None where the grammar cannot say it."""
    return None if set(name) & set("@#") else name
