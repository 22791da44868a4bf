"""A model from its source into the store: resolve, fetch, check, ask, name.

Owns the order of these steps, and with it what can be relied on: nothing that is not whole and
verified, and nothing that is no model, gets into the store; and a name that means something else
is never changed before somebody has agreed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from stoker.core.errors import (
    InvalidModelNameError,
    ModelFileError,
    NameTakenError,
    SourceUnsafeError,
    StokerError,
)
from stoker.core.model import ModelFacts, ModelRef
from stoker.models.download.client import HttpClient
from stoker.models.download.events import Told
from stoker.models.looking.remote_facts import remote_facts
from stoker.models.pulling.bringing import Bringer, Brought, show_name
from stoker.models.pulling.changes import Change, State, facts_document, state_of
from stoker.models.pulling.checking import check_header, check_model
from stoker.models.pulling.freshness import digest_by_state
from stoker.models.sources.base import MODEL, PROJECTOR, Offer, Offered
from stoker.models.sources.hub import explained
from stoker.models.sources.naming import default_name
from stoker.models.sources.opening import source_for
from stoker.models.sources.reference import Reference
from stoker.models.storing.manifest import KINDS, LAYERS_MAX, SIZE_MAX, Layer, Manifest, is_digest
from stoker.models.storing.store import RESERVED, Store

_SOURCE_MAX = 2048
_TURNS_MAX = 4


@dataclass(frozen=True, slots=True)
class Resolved:
    """What is offered, under which name it will be kept, and which of its files are here."""

    ref: ModelRef
    offer: Offer
    here: tuple[bool, ...]

    @property
    def missing_bytes(self) -> int | None:
        """The bytes of the files that are to be fetched or copied; None where one is not told."""
        files = zip(self.offer.files, self.here, strict=True)
        sizes = [file.size_bytes for file, is_here in files if not is_here]
        return None if None in sizes else sum(size or 0 for size in sizes)


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a name means now; `changed` is false where it did so before.

    `replaced` is true where it meant something else; `left_bytes` are those of the files that then
    have no name any more.
    """

    manifest: Manifest
    changed: bool
    replaced: bool = False
    left_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a pull talks to.

    `told` hears what goes on. `resolved` hears what will be fetched, before it is. `agree` is
    asked before a name gets another meaning.
    """

    told: Told
    resolved: Callable[[Resolved], None]
    agree: Callable[[Change], bool]


class Pull:
    """One pull of `reference` into `store`, kept as `ref` or under a name made from the source."""

    def __init__(
        self, reference: Reference, ref: ModelRef | None, store: Store, audience: Audience
    ) -> None:
        self._reference = reference
        self._ref = ref
        self._store = store
        self._audience = audience

    async def run(self, client: HttpClient) -> Pulled:
        """What the name means once everything is there.

        Raises:
            InvalidModelNameError: the name is Stoker's own.
            NameTakenError: the name means something else, and nobody agreed to change that; or
                others change it all the time.
            SourceError, InvalidSourceError, SeveralFilesError: as the source's `resolve`.
            SourceError, ModelFileError, HomeError: as `fetch` and `copy_in`.
        """
        if self._ref == RESERVED:
            raise _reserved()
        offer = await source_for(self._reference).resolve(client)
        _check_offer(offer)
        offer = self._recognized(offer)
        ref = self._ref or default_name(self._reference, offer)
        if ref == RESERVED:
            raise _reserved()
        digests = [file.digest for file in offer.files]
        here = tuple(digest is not None and self._store.has(digest) for digest in digests)
        self._audience.resolved(Resolved(ref, offer, here))
        with explained(self._reference):
            return await self._run(client, ref, offer)

    def _recognized(self, offer: Offer) -> Offer:
        """`offer` with the digests of far files that were stored in the state they are in now."""
        stored = [
            layer
            for one in self._store.manifests()
            if one.source == offer.source
            for layer in one.layers
            if self._store.has(layer.digest)
        ]
        files = (
            replace(file, digest=digest_by_state(file, stored)) if file.path is None else file
            for file in offer.files
        )
        return replace(offer, files=tuple(files))

    async def _run(self, client: HttpClient, ref: ModelRef, offer: Offer) -> Pulled:
        old = self._store.find(ref)
        digests = [file.digest for file in offer.files]
        if old is not None and _means(old, digests) and self._is_here(old):
            return Pulled(old, changed=False)
        agreed = None
        if old is not None and None not in digests and not _means(old, digests):
            self._ask(Change(ref, state_of(old), await _announced(client, offer)))
            agreed = old
        async with contextlib.AsyncExitStack() as stack:
            bringer = Bringer(self._store, client, stack, self._audience.told)
            brought = await bringer.bring(offer)
            facts = await self._checked(bringer, brought)
            manifest = _manifest(ref, offer, brought, facts)
            old = self._may_replace(manifest, agreed)
            bringer.keep(brought)
            old = self._name(manifest, old)
        replaced = old is not None and not _means(old, _digests(manifest))
        left = self._left(old) if old is not None and replaced else 0
        return Pulled(manifest, changed=old is None or replaced, replaced=replaced, left_bytes=left)

    def _left(self, old: Manifest) -> int:
        """The bytes of those files of `old` that no name means any more."""
        named = {layer.digest for one in self._store.manifests() for layer in one.layers}
        layers = {layer.digest: layer.size_bytes for layer in old.layers}
        return sum(size for digest, size in layers.items() if digest not in named)

    def _name(self, manifest: Manifest, old: Manifest | None) -> Manifest | None:
        """Write the name down over `old`, or what it means by then; return what that was."""
        for _ in range(_TURNS_MAX):
            if self._store.put(manifest, replacing=old):
                return old
            old = self._may_replace(manifest, old)
        raise NameTakenError(f"{manifest.ref} is given another meaning again and again")

    def _may_replace(self, manifest: Manifest, agreed: Manifest | None) -> Manifest | None:
        """What the name means now, once that may end; for `agreed` it was asked already."""
        now = self._store.find(manifest.ref)
        known = [one for one in (manifest, agreed) if one is not None]
        if now is not None and not any(_means(now, _digests(one)) for one in known):
            self._ask(Change(manifest.ref, state_of(now), state_of(manifest)))
        return now

    async def _checked(self, bringer: Bringer, brought: list[Brought]) -> ModelFacts:
        try:
            return await asyncio.to_thread(_check_files, brought)
        except ModelFileError:
            bringer.discard(brought)
            raise

    def _is_here(self, manifest: Manifest) -> bool:
        return all(self._store.has(layer.digest) for layer in manifest.layers)

    def _ask(self, change: Change) -> None:
        if not self._audience.agree(change):
            raise NameTakenError(f"{change.ref} means another model now, and stays as it is")


def _means(manifest: Manifest, digests: Sequence[str | None]) -> bool:
    return list(_digests(manifest)) == list(digests)


def _digests(manifest: Manifest) -> tuple[str, ...]:
    return tuple(layer.digest for layer in manifest.layers)


def _check_offer(offer: Offer) -> None:
    """What the store could not write down is refused before it is fetched."""
    if not 0 < len(offer.files) <= LAYERS_MAX:
        raise SourceUnsafeError(
            f"The source has {len(offer.files)} files for it; a model has at most {LAYERS_MAX}"
        )
    if len(offer.source) > _SOURCE_MAX or not offer.source.isprintable():
        raise SourceUnsafeError(f"The source's name is longer than {_SOURCE_MAX} characters")
    if not any(file.kind == MODEL for file in offer.files):
        raise SourceUnsafeError("The source has files for it, and none of them is a model")
    for file in offer.files:
        _check_file(file)


def _check_file(file: Offered) -> None:
    name = show_name(file)
    if not name.isprintable() or "\\" in name or file.kind not in KINDS:
        raise SourceUnsafeError("The source names a file as no file can be named")
    if file.digest is not None and not is_digest(file.digest):
        raise SourceUnsafeError(f"{name}: the source gives it a digest that is none")
    if file.size_bytes is not None and not 0 <= file.size_bytes <= SIZE_MAX:
        raise SourceUnsafeError(f"{name}: the source gives it a size that cannot be")


def _check_files(brought: Sequence[Brought]) -> ModelFacts:
    """The facts of the model; every other file that an engine would read has a header too."""
    for one in brought:
        if one.file.kind == PROJECTOR:
            check_header(one.name, one.path)
    return check_model([(one.name, one.path) for one in brought if one.file.kind == MODEL])


def _manifest(ref: ModelRef, offer: Offer, brought: list[Brought], facts: ModelFacts) -> Manifest:
    layers = tuple(
        Layer(one.digest, one.size_bytes, one.file.kind, one.name, one.state) for one in brought
    )
    document = facts_document(replace(facts, digest=_model_digest(brought)))
    return Manifest(ref, offer.source, layers, int(time.time()), document)


def _model_digest(brought: Sequence[Brought]) -> str:
    return next(one.digest for one in brought if one.file.kind == MODEL)


async def _announced(client: HttpClient, offer: Offer) -> State:
    """What the source says that it has; the facts from its first file's header, if it shows it."""
    sizes = [file.size_bytes for file in offer.files]
    size = None if None in sizes else sum(one or 0 for one in sizes)
    facts: ModelFacts | None = None
    with contextlib.suppress(StokerError):
        facts = await remote_facts(offer, client)
    digests = tuple(file.digest for file in offer.files)
    return State(digests, size, offer.source, facts_document(facts))


def _reserved() -> InvalidModelNameError:
    return InvalidModelNameError(
        f"{RESERVED} is the model that comes with Stoker", hint="choose another name with --as"
    )
