"""Whether the store's files still have their digests; what differs is set aside.

Owns the check. It hashes without a lock, so that everything else goes on meanwhile, and looks
again, under the lock, before it moves a file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stoker.core.disk_errors import disk_errors
from stoker.core.errors import StoreDamagedError
from stoker.core.model import ModelRef
from stoker.files.disk import private_folder, sync_folder
from stoker.models.storing.manifest import Layer, Manifest, is_digest
from stoker.models.storing.store import Store, hash_file

Told = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One file that is not what it should be, and the names that pin it."""

    digest: str  # or the file name of a manifest
    state: str  # "differs", "missing" or "manifest"
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check found: how many files and bytes were hashed, and what is wrong."""

    files: int
    bytes_read: int
    findings: tuple[Finding, ...]


def pinned(manifests: Iterable[Manifest]) -> dict[str, Layer]:
    """The files that `manifests` pin, each digest once."""
    return {layer.digest: layer for one in manifests for layer in one.layers}


def choose(store: Store, refs: Iterable[ModelRef]) -> dict[str, int]:
    """The digests that `refs` pin, with their sizes; of every name where `refs` is empty.

    Raises:
        ModelNotFoundError, StoreDamagedError: as `Store.get`.
    """
    manifests = [store.get(ref) for ref in refs] or store.manifests()
    return {digest: layer.size_bytes for digest, layer in pinned(manifests).items()}


def choose_all(store: Store) -> dict[str, int]:
    """Every digest that lies in the store or is pinned, with its size.

    Raises:
        HomeError: the store cannot be read.
    """
    found = choose(store, ())
    with disk_errors(store.root):
        for file in store.blobs.glob("sha256-*"):
            if is_digest(digest := file.name.replace("-", ":", 1)):
                with suppress(FileNotFoundError):  # collected meanwhile
                    found[digest] = file.stat().st_size
    return found


def verify(store: Store, digests: Iterable[str], told: Told = lambda *_: None) -> Verified:
    """Hash each of `digests` anew and set aside what differs; `told(digest, bytes)` as it goes.

    Raises:
        HomeError: a file cannot be read, or the store cannot be written.
    """
    findings, files, total = [], 0, 0

    def tell(count: int) -> None:
        nonlocal total
        total += count
        told(digest, count)

    for digest in digests:
        state = _check(store, digest, tell)
        files += state != "missing"
        names = _names(store, digest) if state else ()
        if state == "differs" or names:  # what no name pins may have been collected meanwhile
            findings.append(Finding(digest, state, names))
    return Verified(files, total, tuple(findings))


def set_aside_manifests(store: Store) -> tuple[Finding, ...]:
    """Move the manifests that cannot be read to the quarantine, so that `gc` can work again."""
    with store.changing():
        damaged = store.listing().damaged
        for name in damaged:
            _set_aside(store, store.manifest_folder / name)
    return tuple(Finding(name, "manifest", ()) for name in damaged)


def _check(store: Store, digest: str, tell: Callable[[int], None]) -> str:
    blob = store.blob(digest)
    with disk_errors(store.root):
        try:
            before = _identity(blob)
            found = hash_file(blob, tell)
        except FileNotFoundError:
            return "missing"
        if found == digest:
            return ""
        with store.changing():
            try:
                if _identity(blob) == before:
                    _set_aside(store, blob)
            except FileNotFoundError:
                return "missing"
    return "differs"


def _identity(path: Path) -> tuple[int, int]:
    """Which file it is: another, good one may have been renamed here meanwhile."""
    stat = path.stat()
    return stat.st_dev, stat.st_ino


def _set_aside(store: Store, file: Path) -> None:
    target = private_folder(store.quarantine) / file.name
    file.replace(target)
    os.utime(target)  # its time in quarantine begins now
    sync_folder(file.parent)


def _names(store: Store, digest: str) -> tuple[str, ...]:
    return tuple(str(one.ref) for one in store.manifests() if digest in pinned([one]))


def complain(findings: tuple[Finding, ...]) -> None:
    """Nothing, where all is well.

    Raises:
        StoreDamagedError: something is not; the names that are hit are in the hint.
    """
    if not findings:
        return
    names = sorted({name for finding in findings for name in finding.names})
    hint = f"pull again: {', '.join(names)}" if names else "no model needs what was set aside"
    what = "1 file of the store was not what it should be"
    if len(findings) > 1:
        what = f"{len(findings)} files of the store were not what they should be"
    raise StoreDamagedError(what, hint=hint)
