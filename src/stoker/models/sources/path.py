"""A file of this machine, or a folder that holds one. Nothing is unpacked.

Owns which links are followed: the one that a person names, wherever it leads, and with it the
other parts of a split model; in a folder only those that stay in it.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from stoker.core.errors import FileMissingError, InvalidSourceError, SourceUnsafeError
from stoker.models.gguf.first_bytes import ARCHIVES, check_no_archive
from stoker.models.gguf.split_names import split_name
from stoker.models.http import Http
from stoker.models.sources.base import Offer, Offered, choose, quantization_of
from stoker.models.sources.reference import PathReference, check_file_name

ENTRIES_MAX = 10_000
DEPTH_MAX = 4
_SUFFIX = ".gguf"


@dataclass(frozen=True, slots=True)
class PathSource:
    """Fills the port `Source` for one path."""

    reference: PathReference

    async def resolve(self, client: Http) -> Offer:  # noqa: ARG002 - the port has it; nothing is far
        """The file, or the one model of the folder.

        Raises:
            FileMissingError: nothing is there.
            InvalidSourceError: no model is.
            SeveralFilesError: there is more than one model.
            SourceUnsafeError: a link leaves the folder.
        """
        return self.look()

    def look(self) -> Offer:
        """As `resolve`."""
        try:
            path = self.reference.path.expanduser().absolute()
            return Offer(str(path), self._files(path))
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InvalidSourceError(f"{self.reference} cannot be read: {reason}") from error

    def _files(self, path: Path) -> tuple[Offered, ...]:
        if path.is_dir():
            return _of_folder(path)
        if not path.exists():
            raise FileMissingError(
                f"There is no file {self.reference}",
                hint="from elsewhere: https://..., hf:owner/repo[:file], ollama:name[:tag]",
            )
        check_no_archive(path.name)
        return _of_file(path)


def _of_file(path: Path) -> tuple[Offered, ...]:
    """`path` itself, or all parts of the model that it is a part of."""
    split = split_name(path.name)
    if split is None:
        return (_offered(path.name, path.resolve()),)
    anywhere = path.is_symlink()
    files = [
        _offered(one.name, one.resolve() if anywhere else _inside(one, path.parent))
        for one in sorted(path.parent.iterdir())
        if (other := split_name(one.name)) is not None and other.model == split.model
    ]
    return choose(files, path.name, str(path.parent))


def _of_folder(folder: Path) -> tuple[Offered, ...]:
    found = _names(folder)
    models = [name for name in found if name.lower().endswith(_SUFFIX)]
    if not models:
        raise InvalidSourceError(f"There is no .gguf file in {folder}", hint=_hint(found, folder))
    files = [_offered(name, _inside(folder / name, folder)) for name in models]
    return choose(files, None, str(folder))


def _names(top: Path) -> list[str]:
    """The names of the files below `top`, relative to it; linked folders are left out."""
    names: list[str] = []
    entries = 0
    for folder, folders, files in os.walk(top, onerror=_raise):
        below = Path(folder).relative_to(top)
        names += [str(below / name) for name in files]
        entries += len(folders) + len(files)
        if entries > ENTRIES_MAX:
            raise InvalidSourceError(f"{top} has more than {ENTRIES_MAX} entries")
        if len(below.parts) + 1 >= DEPTH_MAX:
            folders.clear()
    return sorted(names)


def _raise(error: OSError) -> None:
    raise error


def _hint(names: list[str], folder: Path) -> str | None:
    if any(name.lower().endswith(ARCHIVES) for name in names):
        return "it holds archives, which Stoker does not open: unpack them yourself"
    if any(name.lower().endswith(".safetensors") for name in names):
        return f"make a model file of it first: stoker import {folder}"
    return None


def _inside(path: Path, folder: Path) -> Path:
    """Where `path` really lies.

    Raises:
        SourceUnsafeError: outside of `folder`.
    """
    real = path.resolve()
    if not real.is_relative_to(folder.resolve()):
        raise SourceUnsafeError(
            f"{path.name} in {folder} is a link to somewhere else",
            hint="name the file itself if it is the one that you mean",
        )
    return real


def _offered(name: str, path: Path) -> Offered:
    check_file_name(name)
    found = path.stat(follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode):
        raise InvalidSourceError(f"{path} is not a regular file")
    return Offered(
        name,
        found.st_size,
        None,
        quantization=quantization_of(name),
        path=path,
        state=f"mtime_ns={found.st_mtime_ns}",
    )
