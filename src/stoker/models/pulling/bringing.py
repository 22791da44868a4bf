"""An offer's files, each whole and verified: in a part of its own, or in the store already.

Owns who fetches: one process for each file, which holds the file's lock until the files have their
name; another one waits, and then finds them. Models come first, small files after them, and each
kind is claimed in the order of its keys, so that two pulls never wait for each other.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from stoker.core.errors import ModelNotFoundError
from stoker.models.download.client import HttpClient
from stoker.models.download.copying import copy_in, hash_in_place
from stoker.models.download.events import DownloadEvent, Kept, Moved, Told, Waiting
from stoker.models.download.fetching import Fetched, fetch
from stoker.models.download.hops import shown
from stoker.models.download.part import Part, check_space, claim
from stoker.models.download.target import Wanted
from stoker.models.gguf.first_bytes import check_first_bytes
from stoker.models.sources.base import MODEL, PROJECTOR, Offer, Offered
from stoker.models.storing.manifest import Layer
from stoker.models.storing.store import Store

BIG = frozenset({MODEL, PROJECTOR})
_NAME_MAX = 200


@dataclass(frozen=True, slots=True)
class Brought:
    """One file that is here: in `part`, or where that is None in the store. `name` is for show.

    `state` is what its source told it by when these bytes came; empty where that is not known.
    """

    file: Offered
    path: Path
    digest: str
    size_bytes: int
    part: Part | None = None
    state: str = ""

    @property
    def name(self) -> str:
        """The last word of the file's name."""
        return show_name(self.file)


@dataclass(frozen=True, slots=True)
class _Pinned:
    """One state of a source, as it was fetched at one time."""

    fetched_unix_s: int
    layers: tuple[Layer, ...]


def show_name(file: Offered) -> str:
    """The last word of a file's name."""
    return file.name.rpartition("/")[2][-_NAME_MAX:]


class Bringer:
    """Brings files for one pull; what it locks and opens is let go of when `stack` ends."""

    def __init__(self, store: Store, client: HttpClient, stack: AsyncExitStack, told: Told) -> None:
        self._store = store
        self._client = client
        self._stack = stack
        self._told = told
        self._waited: set[str] = set()
        self._known: frozenset[_Pinned] = frozenset()  # before anything was waited for

    async def bring(self, offer: Offer) -> list[Brought]:
        """All files of `offer`, in its order.

        Raises:
            SourceError, ModelFileError, InvalidSourceError, HomeError: one cannot be had.
        """
        self._known = frozenset(self._from(offer.source))
        files = {_key(file): file for file in offer.files}
        progress = _Progress(files.values(), self._told)
        found = {key: one for key, file in files.items() if (one := self._have(file, file.digest))}
        self._check_room(file for key, file in files.items() if key not in found)
        for big in (True, False):
            keys = [key for key, file in files.items() if (file.kind in BIG) is big]
            missing = [key for key in keys if key not in found]
            for key in sorted(missing):
                await self._claim(key, files[key])
            for key in missing:
                found[key] = await self._one(key, files[key], offer.source, progress)
                progress.end_file(found[key].size_bytes)
        return [replace(found[_key(file)], file=file) for file in offer.files]

    def keep(self, brought: Sequence[Brought]) -> None:
        """Take what lies in parts into the store, where it is held as long as the rest is.

        Raises:
            HomeError: the disk is full, or the store cannot be written.
        """
        for part, digest in {one.part: one.digest for one in brought}.items():
            if part is not None:
                self._store.adopt(part.path, digest, hashed=True)
                self._stack.enter_context(self._store.hold(digest))
                part.forget()

    def discard(self, brought: Sequence[Brought]) -> None:
        """Remove what lies in parts: it is of no use."""
        for part in {one.part for one in brought}:
            if part is not None:
                part.remove()

    def _have(self, file: Offered, digest: str | None) -> Brought | None:
        """`file` out of the store, where it is held from now on; None where it is not there."""
        if digest is None or not self._store.has(digest):
            return None
        try:
            path = self._stack.enter_context(self._store.hold(digest))
        except ModelNotFoundError:  # removed just now
            return None
        state = file.state if file.digest == digest or file.path is not None else ""
        return Brought(file, path, digest, path.stat().st_size, state=state)

    def _check_room(self, files: Iterable[Offered]) -> None:
        """Nothing, where the disk has room for all that is still to come, as far as that is known.

        Raises:
            DiskFullError: it has not.
        """
        far = [file for file in files if file.path is None]
        needed = sum(file.size_bytes or 0 for file in far)
        here = sum(_taken(self._store.parts / f"{_key(file)}.part") for file in far)
        if needed > here:
            check_space(self._store.parts, needed - here, self._client.limits.spare_bytes)

    async def _claim(self, key: str, file: Offered) -> None:
        lock = self._store.parts / f"{key}.lock"
        limits, timing = self._client.limits, self._client.timing
        told = partial(self._hear_waiting, key)
        seen = partial(self._tell_others_progress, key, file)
        handle = await claim(lock, show_name(file), limits, timing, told, seen=seen)
        self._stack.callback(os.close, handle)
        self._stack.callback(lock.unlink, missing_ok=True)  # while it is still held

    def _tell_others_progress(self, key: str, file: Offered) -> None:
        """Tell how far the process is that we wait for: what its part takes of the disk."""
        done = _taken(self._store.parts / f"{key}.part")
        size = file.size_bytes
        self._told(Moved(done if size is None else min(done, size), size))

    def _hear_waiting(self, key: str, event: DownloadEvent) -> None:
        if isinstance(event, Waiting):
            self._waited.add(key)
        self._told(event)

    async def _one(self, key: str, file: Offered, source: str, told: Told) -> Brought:
        if key in self._waited:
            layer = self._stored_meanwhile(file, source)
            known = file.digest or (layer.digest if layer else None)
            if (here := self._have(file, known)) is not None:
                if layer is not None and layer.digest == known:
                    return replace(here, state=layer.state)
                return here
        if file.path is not None and (copied := await self._copied_before(file, told)) is not None:
            return copied
        part = Part(self._store.parts, key, shown(file.url) if file.url else source)
        self._stack.callback(self._put_away, part, file)
        fetched = await self._fill(part, file, told)
        state = part.validators.state if file.path is None else file.state
        return Brought(file, part.path, fetched.digest, fetched.size_bytes, part, state)

    def _stored_meanwhile(self, file: Offered, source: str) -> Layer | None:
        """What the process for which we waited has stored from the same place, if it ended well."""
        for pinned in self._from(source):
            if pinned not in self._known:
                for layer in pinned.layers:
                    if (layer.name, layer.kind) == (show_name(file), file.kind):
                        return layer
        return None

    def _from(self, source: str) -> Iterator[_Pinned]:
        """What names of the store pin from `source`; a copied name pins the same as the first."""
        for one in self._store.manifests():
            if one.source == source:
                yield _Pinned(one.fetched_unix_s, one.layers)

    async def _copied_before(self, file: Offered, told: Told) -> Brought | None:
        """A file of this disk that the store has already: what has its size is looked at first."""
        sizes = {layer.size_bytes for one in self._store.manifests() for layer in one.layers}
        if file.path is None or file.size_bytes not in sizes:
            return None
        return self._have(file, (await hash_in_place(file.path, told)).digest)

    async def _fill(self, part: Part, file: Offered, told: Told) -> Fetched:
        if file.path is not None:
            return await copy_in(file.path, part, self._client.limits, told)
        wanted = Wanted(
            *(show_name(file), file.url, file.headers, file.size_bytes, file.digest),
            authorize=file.authorize,
        )
        if file.kind in BIG:
            wanted = replace(wanted, check_start=partial(check_first_bytes, show_name(file)))
        return await fetch(self._client, wanted, part, told)

    def _put_away(self, part: Part, file: Offered) -> None:
        """Close `part`; what has not gone into the store stays only if one can go on with it."""
        part.close()
        if not part.resumable:
            part.remove()
        elif part.path.exists():
            self._told(Kept(show_name(file), part.ranges.covered))


class _Progress:
    """What is told of one file, as told of all of them together."""

    def __init__(self, files: Iterable[Offered], told: Told) -> None:
        sizes = [file.size_bytes for file in files]
        self._total = None if None in sizes else sum(size or 0 for size in sizes)
        self._alone = len(sizes) == 1
        self._told = told
        self._before = 0

    def __call__(self, event: DownloadEvent) -> None:
        if isinstance(event, Moved):
            total = event.total_bytes if self._alone else self._total
            event = Moved(self._before + event.done_bytes, total or self._total)
        self._told(event)

    def end_file(self, size_bytes: int) -> None:
        """A file is whole."""
        self._before += size_bytes


def _key(file: Offered) -> str:
    """What a file's part is called: the same for all who want the same file."""
    what = file.digest or (f"path {file.path}" if file.path is not None else f"url {file.url}")
    return hashlib.sha256(what.encode(errors="surrogateescape")).hexdigest()[:32]


def _taken(path: Path) -> int:
    """The bytes of the disk that a file takes, holes left out."""
    try:
        return path.stat().st_blocks * 512
    except OSError:
        return 0
