"""A stored model of several files under the names by which an engine finds the next one.

The store names files by their digests; an engine is given a split model's first file and makes the
others' names from it. So the store keeps, for each such model, a folder of relative links with
those names. They follow from the digests alone: whoever needs them makes them.

Owns the folder `split` of the store. Who holds the files meanwhile is the store's.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from stoker.core.disk_errors import disk_errors
from stoker.files.disk import ASIDE, private_folder
from stoker.models.gguf.split_names import SplitName

FOLDER = "split"
_BLOBS = "blobs"


def lay_out(root: Path, digests: Sequence[str]) -> Path:
    """The first of the files `digests`, in their order, in a folder with all of them.

    Raises:
        HomeError: the folder cannot be made.
    """
    folder = root / FOLDER / _key(digests)
    names = SplitName("model", 1, len(digests)).names
    with disk_errors(root):
        if not folder.is_dir():
            _make(folder, dict(zip(names, digests, strict=True)))
    return folder / names[0]


def digests_behind(root: Path, path: Path) -> tuple[str, ...]:
    """The digests of the stored files that a model loaded from `path` needs; none if elsewhere."""
    if path.parent == root / _BLOBS:
        return (path.name.replace("-", ":", 1),)
    if path.parent.parent != root / FOLDER:
        return ()
    links = [one.readlink() for one in sorted(path.parent.iterdir()) if one.is_symlink()]
    return tuple(link.name.replace("-", ":", 1) for link in links)


def sweep(root: Path, needed: Iterable[Sequence[str]]) -> None:
    """Remove the folders that no list of digests in `needed` stands for, and unfinished ones."""
    kept = {_key(digests) for digests in needed if len(digests) > 1}
    for folder in (root / FOLDER).glob("*"):
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def _make(folder: Path, files: dict[str, str]) -> None:
    """Make `folder` with all its links, or nothing; another process may do the same meanwhile."""
    aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=private_folder(folder.parent)))
    for name, digest in files.items():
        (aside / name).symlink_to(f"../../{_BLOBS}/{digest.replace(':', '-', 1)}")
    try:
        aside.rename(folder)
    except OSError:
        shutil.rmtree(aside)
        if not folder.is_dir():
            raise


def _key(digests: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:32]
