"""The models on this disk: files under their digests, and manifests that name them.

    blobs/sha256-HEX   a whole, verified file; never changed, so it can be shared and mapped
    manifests/         one document for each name
    parts/             unfinished downloads; one in use is locked by its KEY.lock
    split/KEY/         links to the files of a model that is split over several
    leases/HEX         locked (shared) by whoever needs a blob: a running model, a download
    quarantine/        what was found to differ from its digest
    lock               held around every change of manifests and every removal

Owns names, digests and locks, safe for several processes; no path is stored, so the folder can be
moved. Checking and cleaning belong to `verifying` and `housekeeping`.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import EllipsisType

from stoker.core.disk_errors import disk_errors
from stoker.core.errors import (
    DigestMismatchError,
    HomeError,
    InvalidModelNameError,
    InvalidSourceError,
    ModelInUseError,
    ModelNotFoundError,
    StoreDamagedError,
)
from stoker.core.model import ModelRef
from stoker.files.disk import (
    private_folder,
    sync_file,
    sync_folder,
    write_whole,
)
from stoker.files.locks import held, is_held, wait_lock
from stoker.models.storing.manifest import MANIFEST_BYTES_MAX, Manifest, is_digest
from stoker.models.storing.split_models import digests_behind, lay_out

RESERVED = ModelRef("starter")
LOCK_WAIT_S = 30.0
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Listing:
    """What the store holds; `damaged` has the file names of manifests that cannot be read."""

    manifests: tuple[Manifest, ...]
    damaged: tuple[str, ...]


class Store:
    """The store under `root`. Nothing is created until it is needed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._pending: dict[str, int] = {}  # adopted, but no manifest names them yet

    @property
    def blobs(self) -> Path:
        """Whole files under their digests."""
        return self.root / "blobs"

    @property
    def manifest_folder(self) -> Path:
        """One document for each name."""
        return self.root / "manifests"

    @property
    def parts(self) -> Path:
        """Unfinished downloads; one in use is held by `flock` on its `<key>.lock`."""
        return self.root / "parts"

    @property
    def quarantine(self) -> Path:
        """What was found to differ from its digest."""
        return self.root / "quarantine"

    @property
    def leases(self) -> Path:
        """What is locked by those who need a blob, by the digest's digits."""
        return self.root / "leases"

    def blob(self, digest: str) -> Path:
        """Where the file with `digest` lies, or would lie.

        Raises:
            InvalidSourceError: not `sha256:` and 64 lower-case hexadecimal digits.
        """
        return self.blobs / f"sha256-{_hex(digest)}"

    def has(self, digest: str) -> bool:
        """Whether the file with `digest` is here; as for `blob`, the form is checked."""
        return self.blob(digest).is_file()

    def adopt(self, file: Path, digest: str, *, hashed: bool = False) -> Path:
        """Take `file` in as the blob `digest`, and return where it lies now.

        It is hashed unless the caller has `hashed` every byte. It is kept from `gc` until `put`
        has tried to name it or this process ends. `file` must lie on the store's disk, best in
        `parts`.

        Raises:
            DigestMismatchError: it differs; the file is removed.
            InvalidSourceError: the digest is of the wrong form.
            HomeError: the disk is full, or the store cannot be written.
        """
        blob = self.blob(digest)
        with disk_errors(self.root):
            sync_file(file)
            if not hashed and (found := hash_file(file)) != digest:
                file.unlink(missing_ok=True)
                raise DigestMismatchError(f"{file.name} is {found} and should be {digest}")
            self._keep(digest)
            private_folder(self.blobs)
            file.replace(blob)
            sync_folder(self.blobs)
        return blob

    def put(self, manifest: Manifest, *, replacing: Manifest | EllipsisType | None = ...) -> bool:
        """Write a name down in place of `replacing`, None for nothing; of whatever, if left out.

        What was adopted for it is kept from `gc` no longer, whatever comes of this.

        Returns:
            Whether it was written: not where the name means something else than `replacing`.

        Raises:
            StoreDamagedError: a file that it pins is not here, or of another size; or what the
                name means now cannot be read.
            InvalidModelNameError: the name is Stoker's own.
            SourceUnsafeError: a name, digest or size is of the wrong form.
            HomeError: the disk is full, or the store cannot be written.
        """
        try:
            with self.changing():
                if replacing is not ... and self.find(manifest.ref) != replacing:
                    return False
                self._put(manifest)
        finally:
            for layer in manifest.layers:
                self._let_go(layer.digest)
        return True

    def _put(self, manifest: Manifest) -> None:
        if manifest.ref == RESERVED:
            raise InvalidModelNameError(
                f"{RESERVED} is the model that comes with Stoker", hint="choose another name"
            )
        data = manifest.to_json()
        for layer in manifest.layers:
            if not self.has(layer.digest):
                raise StoreDamagedError(f"{manifest.ref}: {layer.digest} is not in the store")
            if self.blob(layer.digest).stat().st_size != layer.size_bytes:
                raise StoreDamagedError(f"{manifest.ref}: {layer.digest} has another size")
        write_whole(self._manifest_file(manifest.ref), data)

    def get(self, ref: ModelRef) -> Manifest:
        """What `ref` pins.

        Raises:
            ModelNotFoundError: the store has no such name; near ones are in the hint.
            StoreDamagedError: its manifest cannot be read.
        """
        if (found := self.find(ref)) is not None:
            return found
        names = [str(manifest.ref) for manifest in self.manifests()]
        raise ModelNotFoundError(f"There is no model {ref}", hint=near(str(ref), names))

    def find(self, ref: ModelRef) -> Manifest | None:
        """What `ref` pins; None where the store has no such name.

        Raises:
            StoreDamagedError: its manifest cannot be read.
        """
        with disk_errors(self.root), suppress(FileNotFoundError):
            return self._read(self._manifest_file(ref))
        return None

    def manifests(self) -> tuple[Manifest, ...]:
        """What every readable name pins, in the order of names."""
        return self.listing().manifests

    def listing(self) -> Listing:
        """Every name, and the files of those that cannot be read."""
        found, damaged = [], []
        with disk_errors(self.root):
            for file in sorted(self.manifest_folder.glob("*.json")):
                try:
                    found.append(self._read(file))
                except StoreDamagedError:
                    damaged.append(file.name)
                except FileNotFoundError:  # removed while we looked
                    continue
        return Listing(tuple(sorted(found, key=lambda one: one.ref)), tuple(damaged))

    def copy(self, ref: ModelRef, new: ModelRef) -> Manifest:
        """Give what `ref` pins the name `new` too.

        Raises:
            ModelNotFoundError: there is no `ref`.
            InvalidModelNameError: `new` is taken.
        """
        with self.changing():
            manifest = replace(self.get(ref), ref=new)
            if self._manifest_file(new).exists():
                raise InvalidModelNameError(
                    f"There is a model {new} already", hint=f"remove it first: stoker rm {new}"
                )
            self._put(manifest)
        return manifest

    def remove(self, ref: ModelRef) -> Manifest:
        """Forget a name, and return what it pinned; its files stay until they are collected.

        Raises:
            ModelNotFoundError: there is no such name.
            ModelInUseError: a running model or a download needs one of its files, and no other
                name pins that.
        """
        with self.changing():
            manifest = self.get(ref)
            pinned = {x.digest for one in self.manifests() if one.ref != ref for x in one.layers}
            if any(self.in_use(x.digest) for x in manifest.layers if x.digest not in pinned):
                raise ModelInUseError(f"{ref} is in use")
            self._manifest_file(ref).unlink()
            sync_folder(self.manifest_folder)
        return manifest

    @contextmanager
    def hold(self, digest: str) -> Iterator[Path]:
        """Keep the blob `digest` from removal, and give its path, for the length of a block.

        Raises:
            ModelNotFoundError: it is not here.
            HomeError: the lease cannot be written.
        """
        with disk_errors(self.root):
            handle = self._lease(digest)
        with held(handle):
            if not self.has(digest):
                raise ModelNotFoundError(f"There is no file {digest}", hint="pull the model again")
            yield self.blob(digest)

    @contextmanager
    def hold_path(self, path: Path) -> Iterator[None]:
        """As `hold`, for all files of a model that is loaded from `path`; none if elsewhere."""
        with ExitStack() as stack:
            for digest in digests_behind(self.root, path):
                stack.enter_context(self.hold(digest))
            yield

    def model_path(self, manifest: Manifest) -> Path:
        """What an engine is to load for `manifest`: its file, or the first of several.

        Raises:
            StoreDamagedError: it pins no model.
            HomeError: the links of a split model cannot be made.
        """
        first, *others = manifest.models
        if not others:
            return self.blob(first.digest)
        return lay_out(self.root, [layer.digest for layer in manifest.models])

    def in_use(self, digest: str) -> bool:
        """Whether somebody, perhaps this process, holds the blob `digest`."""
        return is_held(self.lease_file(digest))

    def lease_file(self, digest: str) -> Path:
        """What is locked, shared, by those who need the blob `digest`."""
        return self.leases / _hex(digest)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Be the only process that changes names or removes files.

        Raises:
            HomeError: another has been at it for `LOCK_WAIT_S`, or the lock cannot be written.
        """
        with disk_errors(self.root):
            handle = wait_lock(self.root / "lock", wait_s=LOCK_WAIT_S)
            if handle is None:
                raise HomeError(
                    "Another command is changing the store", hint="try again when it has ended"
                )
            with held(handle):
                yield

    def _lease(self, digest: str) -> int:
        handle = wait_lock(self.lease_file(digest), wait_s=LOCK_WAIT_S, shared=True)
        if handle is None:
            raise HomeError(f"{digest} is being removed", hint="pull the model again")
        return handle

    def _keep(self, digest: str) -> None:
        if digest not in self._pending:
            self._pending[digest] = self._lease(digest)

    def _let_go(self, digest: str) -> None:
        if (handle := self._pending.pop(digest, None)) is not None:
            os.close(handle)

    def _manifest_file(self, ref: ModelRef) -> Path:
        """Names that differ only in case have different files on every file system."""
        exact = hashlib.sha256(f"{ref.name}:{ref.tag}".encode()).hexdigest()[:16]
        return self.manifest_folder / f"{ref.name}@{ref.tag}-{exact}.json".lower()

    def _read(self, file: Path) -> Manifest:
        with file.open("rb") as opened:
            manifest = Manifest.from_json(opened.read(MANIFEST_BYTES_MAX + 1))
        if self._manifest_file(manifest.ref).name != file.name:
            raise StoreDamagedError(f"The manifest {file.name} names another model")
        return manifest


def hash_file(path: Path, told: Callable[[int], None] = lambda _: None) -> str:
    """The digest of a file; `told` is called with the number of bytes of each piece.

    Raises:
        OSError: it cannot be read.
    """
    state = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    with path.open("rb", buffering=0) as file:
        with suppress(OSError):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        while count := file.readinto(buffer):
            state.update(buffer[:count])
            told(count)
    return f"sha256:{state.hexdigest()}"


def near(text: str, names: list[str]) -> str:
    """A hint that names what `text` may have meant; empty for the default one."""
    close = difflib.get_close_matches(text, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else "`stoker ls` lists those here"


def _hex(digest: str) -> str:
    if not is_digest(digest):
        raise InvalidSourceError(
            f"{str(digest)[:80]!r} is not a digest", hint="sha256: and 64 hexadecimal digits"
        )
    return digest.removeprefix("sha256:")
