"""What the store no longer needs, and what takes which space.

Owns the rules of removal: a blob goes when no manifest names it and nobody holds it; a part when
nobody downloads it and it is old, or all are to go. While a manifest cannot be read, no blob
goes: it may name any.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path

from stoker.core.disk_errors import disk_errors
from stoker.files.disk import ASIDE
from stoker.files.locks import held, is_held, try_lock
from stoker.models.storing.manifest import is_digest
from stoker.models.storing.split_models import sweep
from stoker.models.storing.store import Store
from stoker.models.storing.unfinished import LOCK, Unfinished, disk_bytes, groups, unfinished

OLD_S = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Removed:
    """One thing that was removed, or would be: its kind, its name and its size."""

    kind: str  # "blob", "part" or "quarantined"
    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection did; `damaged` names the manifests because of which blobs were kept."""

    removed: tuple[Removed, ...]
    damaged: tuple[str, ...]

    @property
    def size_bytes(self) -> int:
        """The bytes that became free, or would."""
        return sum(one.size_bytes for one in self.removed)


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes of the store. `models` maps a name to (all its bytes, those it shares with none)."""

    models: dict[str, tuple[int, int]]
    blobs_bytes: int
    shared_bytes: int
    unnamed_bytes: int
    parts_bytes: int
    parts: tuple[Unfinished, ...]
    quarantine_bytes: int
    free_bytes: int


def collect(
    store: Store,
    *,
    dry_run: bool = False,
    all_parts: bool = False,
    clock: Callable[[], float] = time.time,
) -> Collected:
    """Remove everything that nobody needs, or with `dry_run` only say what that is.

    With `all_parts` unfinished downloads go whatever their age, but for those that go on now.

    Raises:
        HomeError: the store is being changed by another command, or cannot be written.
    """
    with store.changing():
        damaged = store.listing().damaged
        removed = [] if damaged else list(_blobs(store, _digests(store), dry_run=dry_run))
        before = clock() - OLD_S
        removed += _parts(store, inf if all_parts else before, dry_run=dry_run)
        removed += _old(store.quarantine, before, dry_run=dry_run)
        if not dry_run:
            _clear_aside(store)
            _clear_split(store, damaged)
    return Collected(tuple(removed), damaged)


def collect_blobs(store: Store, digests: set[str]) -> Collected:
    """Remove those of `digests` that no manifest names and nobody holds; raises as `collect`."""
    with store.changing():
        damaged = store.listing().damaged
        here = digests & set(_digests(store))
        removed = () if damaged else tuple(_blobs(store, sorted(here), dry_run=False))
    return Collected(removed, damaged)


def usage(store: Store) -> Usage:
    """What takes which space; sizes are lengths of files, of unfinished ones what they take.

    Raises:
        HomeError: the store cannot be read.
    """
    with disk_errors(store.root):
        parts = unfinished(store)
        sizes = {digest: size_of(store.blob(digest)) for digest in _digests(store)}
        named = {one.ref: {layer.digest for layer in one.layers} for one in store.manifests()}
        owners = Counter(digest for digests in named.values() for digest in digests)
        models = {
            str(ref): (
                sum(sizes.get(digest, 0) for digest in digests),
                sum(sizes.get(digest, 0) for digest in digests if owners[digest] == 1),
            )
            for ref, digests in named.items()
        }
        return Usage(
            models=models,
            blobs_bytes=sum(sizes.values()),
            shared_bytes=sum(size for digest, size in sizes.items() if owners[digest] > 1),
            unnamed_bytes=sum(size for digest, size in sizes.items() if not owners[digest]),
            parts_bytes=sum(one.disk_bytes for one in parts),
            parts=tuple(parts),
            quarantine_bytes=size_of(store.quarantine),
            free_bytes=shutil.disk_usage(_existing(store.root)).free,
        )


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files below a folder; 0 where nothing is."""
    if path.is_dir():
        return sum(
            size_of(Path(folder) / name) for folder, _, names in os.walk(path) for name in names
        )
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def _blobs(store: Store, digests: list[str], *, dry_run: bool) -> Iterator[Removed]:
    named = {layer.digest for one in store.manifests() for layer in one.layers}
    for digest in digests:
        if digest in named:
            continue
        if dry_run:
            if not store.in_use(digest):
                yield Removed("blob", digest, size_of(store.blob(digest)))
            continue
        lease = try_lock(store.lease_file(digest))
        if lease is None:
            continue
        with held(lease):  # nobody can begin to hold what is being removed
            size_bytes = size_of(store.blob(digest))
            store.blob(digest).unlink(missing_ok=True)
            store.lease_file(digest).unlink(missing_ok=True)
        yield Removed("blob", digest, size_bytes)


def _digests(store: Store) -> list[str]:
    """The digests that lie in the store; names of another form are not ours to touch."""
    found = [file.name.replace("-", ":", 1) for file in store.blobs.glob("sha256-*")]
    return sorted(digest for digest in found if is_digest(digest))


def _parts(store: Store, before: float, *, dry_run: bool) -> Iterator[Removed]:
    """Each unfinished download is all files that share their name up to the first dot."""
    for key, present in sorted(groups(store).items()):
        if not _is_old(present, before):
            continue
        lock_file = store.parts / f"{key}{LOCK}"
        lease = try_lock(lock_file)
        if lease is None:
            continue
        with held(lease):
            size_bytes = disk_bytes(present)
            if not dry_run:
                for file in present:
                    _remove(file)
            if not dry_run or lock_file not in present:
                lock_file.unlink(missing_ok=True)
        yield Removed("part", key, size_bytes)


def _old(folder: Path, before: float, *, dry_run: bool) -> Iterator[Removed]:
    for file in sorted(folder.glob("*")):
        if not _is_old([file], before):
            continue
        size_bytes = size_of(file)
        if not dry_run:
            _remove(file)
        yield Removed("quarantined", file.name, size_bytes)


def _is_old(files: Iterable[Path], before: float) -> bool:
    """Whether no file has changed since `before`; not where all have gone meanwhile."""
    times = []
    for file in files:
        with suppress(FileNotFoundError):
            times.append(file.lstat().st_mtime)
    return bool(times) and max(times) <= before


def _clear_aside(store: Store) -> None:
    """What a process left that died while it wrote; under the store's lock nobody writes."""
    for file in store.manifest_folder.glob(f"{ASIDE}*"):
        file.unlink(missing_ok=True)


def _clear_split(store: Store, damaged: tuple[str, ...]) -> None:
    """Remove the links that no name needs, unless something runs: it may have been loaded so."""
    if damaged or any(is_held(lease) for lease in store.leases.glob("*")):
        return
    models = [
        [one.digest for one in each.layers if one.kind == "model"] for each in store.manifests()
    ]
    sweep(store.root, models)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
