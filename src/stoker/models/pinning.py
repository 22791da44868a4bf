"""Which bytes a model is: the digests of all its files, and whether these are still the same files.

Owns the order: a file is looked at, hashed, and looked at again; later a look is enough to tell
that nobody touched it, and who did has it hashed anew. What a digest should be is the caller's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stoker.core.clock import Clock, within
from stoker.core.errors import LoadTimeoutError, ModelFileMissingError, PlanDriftError
from stoker.core.model import LocalModel, ModelRef
from stoker.models.gguf.parts import paths_of
from stoker.models.storing.split_models import digests_behind
from stoker.models.storing.store import Store, hash_file


@dataclass(frozen=True, slots=True)
class FileState:
    """What of a file changes when somebody writes to it or puts another in its place.

    The last is the kernel's own and cannot be set; it also changes where a file is only renamed.
    """

    device: int
    inode: int
    size_bytes: int
    written_unix_ns: int
    changed_unix_ns: int


@dataclass(frozen=True, slots=True)
class Pin:
    """One file of a model, its digest, and its state when that was true."""

    path: Path
    digest: str
    state: FileState


def pin_files(model: LocalModel, store: Store) -> tuple[Pin, ...]:
    """All files of `model` in their order; hashed, but for those that `store` keeps by digest.

    Takes as long as reading them.

    Raises:
        ModelFileMissingError: one is missing, or cannot be read.
        PlanDriftError: one was written to meanwhile.
    """
    known = digests_behind(store.root, model.path)
    paths = files_of(model)
    if known:
        return tuple(Pin(*one, _look(one[0])) for one in zip(paths, known, strict=True))
    return tuple(_pin(path) for path in paths)


def files_of(model: LocalModel) -> tuple[Path, ...]:
    """The files that an engine reads of `model`, in their order."""
    return paths_of(model.path) if model.facts.parts > 1 else (model.path,)


def with_digests(model: LocalModel, pins: Iterable[Pin]) -> LocalModel:
    """`model` with the digests of `pins`."""
    digests = tuple(pin.digest for pin in pins)
    return replace(model, facts=replace(model.facts, digest=digests[0]), digests=digests)


def checked(pins: Iterable[Pin]) -> tuple[Pin, ...]:
    """`pins` as they are now: a file that somebody touched is hashed again, no other is read.

    Raises:
        ModelFileMissingError: one is missing.
        PlanDriftError: one has other bytes.
    """
    return tuple(pin if _look(pin.path) == pin.state else _again(pin) for pin in pins)


class PinnedFiles:
    """The files of several models, for who loads them again and again.

    `wait_s` is how long reading those of one model may take.
    """

    def __init__(self, pins: Mapping[ModelRef, Sequence[Pin]], clock: Clock, wait_s: float) -> None:
        self._pins = dict(pins)
        self._clock = clock
        self._wait_s = wait_s

    async def check(self, model: ModelRef) -> None:
        """`checked`, of the files of `model`; of one that nobody pinned there is nothing to check.

        Raises:
            PlanDriftError, ModelFileMissingError: as `checked`.
            LoadTimeoutError: reading a file that was touched took too long.
        """
        if not (pins := self._pins.get(model)):
            return
        try:
            found = asyncio.to_thread(checked, pins)
            self._pins[model] = await within(self._clock, self._wait_s, found)
        except TimeoutError:
            raise LoadTimeoutError(f"The files of {model} were not read in time") from None


def _again(pin: Pin) -> Pin:
    now = _pin(pin.path)
    if now.digest != pin.digest:
        raise PlanDriftError(f"{pin.path} was changed: it is {now.digest}, and was {pin.digest}")
    return now


def _pin(path: Path) -> Pin:
    state = _look(path)
    pin = Pin(path, _hash(path), state)
    if _look(path) != state:
        raise PlanDriftError(f"{path} was written to while it was read", hint="try again")
    return pin


def _look(path: Path) -> FileState:
    try:
        status = path.stat()
    except OSError as error:
        raise _unread(path, error) from error
    return FileState(
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    )


def _hash(path: Path) -> str:
    try:
        return hash_file(path)
    except OSError as error:
        raise _unread(path, error) from error


def _unread(path: Path, error: OSError) -> ModelFileMissingError:
    return ModelFileMissingError(f"{path} cannot be read: {error.strerror}")
