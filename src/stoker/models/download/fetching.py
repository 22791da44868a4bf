"""A whole, verified file from the web: what came is what was meant, or it is gone.

Owns what is true afterwards: the digest of every byte, taken from the disk. Where the digest was
known in advance it is this one; where not, it becomes the file's name.
"""

from __future__ import annotations

from dataclasses import dataclass

from stoker.core.disk_errors import disk_errors
from stoker.core.errors import (
    DigestMismatchError,
    ModelFileError,
    SourceUnsafeError,
)
from stoker.models.download.client import HttpClient
from stoker.models.download.events import Told
from stoker.models.download.hashing import PrefixHasher
from stoker.models.download.part import Part
from stoker.models.download.target import Wanted
from stoker.models.download.transfer import Transfer

_USELESS = (SourceUnsafeError, DigestMismatchError, ModelFileError)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What lies in a part now, whole: its digest and its size in bytes."""

    digest: str
    size_bytes: int


async def fetch(client: HttpClient, wanted: Wanted, part: Part, told: Told) -> Fetched:
    """Bring `wanted` into `part`, going on with what is there.

    When this is cancelled or fails, what came is kept for another try, unless it is of no use.

    Raises:
        DigestMismatchError: it is not what was announced; it is removed.
        SourceError, ModelFileError, HomeError: as `Transfer.run`.
    """
    hasher = PrefixHasher(part.handle)
    try:
        size = await Transfer(client, wanted, part, hasher, told).run()
        with disk_errors(part.path):
            digest = await hasher.digest()
        if wanted.digest not in {None, digest}:
            raise DigestMismatchError(f"{wanted.name} is {digest} and should be {wanted.digest}")
    except _USELESS:
        part.remove()
        raise
    finally:
        hasher.close()
    return Fetched(digest, size)
