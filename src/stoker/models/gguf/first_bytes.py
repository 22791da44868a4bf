"""What a file's first bytes say it is, where that is no model. Pure.

Said before the rest of it comes: an address often gives a page, an archive or a pointer instead.
"""

from __future__ import annotations

from stoker.core.errors import InvalidSourceError, ModelFileEmptyError, ModelFileGarbageError
from stoker.models.gguf.header import MAGIC

ARCHIVES = (
    *(".zip", ".tar", ".tgz", ".tbz2", ".txz", ".7z", ".rar"),
    *(".gz", ".bz2", ".xz", ".zst", ".lz4"),
)
_UNPACK = "unpack it yourself, and pull the .gguf file that was in it"
_MAGICS = (
    *(b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"),
    *(b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"),
)
_TAR_AT, _TAR = 257, b"ustar"
_POINTER = b"version https://git-lfs"


def check_no_archive(name: str) -> None:
    """Nothing, where `name` is not that of an archive.

    Raises:
        InvalidSourceError: it is.
    """
    if name.lower().endswith(ARCHIVES):
        raise InvalidSourceError(f"{name} is an archive, which Stoker does not open", hint=_UNPACK)


def check_first_bytes(name: str, start: bytes) -> None:
    """Nothing, where a file that begins with `start` may be a model.

    Raises:
        ModelFileEmptyError: there are none.
        ModelFileGarbageError: they are something else's; the hint says what to do.
    """
    if start.startswith(MAGIC):
        return
    if not start:
        raise ModelFileEmptyError(f"{name}: the file is empty (0 bytes)")
    what, hint = _known(start)
    raise ModelFileGarbageError(f"{name}: {what}", hint=hint)


def _known(start: bytes) -> tuple[str, str | None]:
    if start.startswith(_MAGICS) or start[_TAR_AT:].startswith(_TAR):
        return "is an archive, not a model", _UNPACK
    if start.startswith(_POINTER):
        return "is a pointer of git-lfs, not the model itself", "fetch it with `git lfs pull`"
    if start.lstrip()[:1] in {b"<", b"{"}:
        kind = "a web page" if start.lstrip()[:1] == b"<" else "a JSON document"
        return f"is {kind}, not a model", "give the address that downloads the file itself"
    return f"begins with {start[:4]!r}, a GGUF file with {MAGIC!r}", None
