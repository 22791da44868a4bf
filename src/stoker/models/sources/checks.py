"""What a server says about files, checked before anything is done with it. Pure.

Owns the bounds of names, digests and sizes. What a person writes is checked by `reference`.
"""

from __future__ import annotations

from typing import Any

from stoker.core.errors import InvalidSourceError, SourceUnsafeError
from stoker.models.sources.reference import check_digest, check_file_name

SIZE_MAX_BYTES = 1 << 50
NAME_MAX = 255
PATH_MAX = 1024


def checked_digest(value: Any, what: str) -> str:
    """`value` itself, which is `sha256:` and 64 lower-case hexadecimal digits.

    Raises:
        SourceUnsafeError: it is anything else.
    """
    try:
        return check_digest(value, what)
    except InvalidSourceError as error:
        raise SourceUnsafeError(error.message) from None


def checked_name(value: Any, what: str) -> str:
    """`value` itself, the name of a file inside, with folders perhaps.

    Raises:
        SourceUnsafeError: it is no text, too long, or would lead elsewhere.
    """
    if not isinstance(value, str):
        raise SourceUnsafeError(f"{what}: the name of a file is no text")
    if len(value) > PATH_MAX or len(value.rsplit("/", 1)[-1]) > NAME_MAX:
        raise SourceUnsafeError(f"{what}: the name of a file has {len(value)} characters")
    try:
        return check_file_name(value)
    except InvalidSourceError as error:
        raise SourceUnsafeError(f"{what}: {error.message}") from None


def checked_size(value: Any, what: str) -> int:
    """`value` itself, a number of bytes.

    Raises:
        SourceUnsafeError: it is no whole number, below zero, or more than any file has.
    """
    if type(value) is not int or not 0 <= value <= SIZE_MAX_BYTES:
        raise SourceUnsafeError(f"{what}: the size of a file is {_short(value)}")
    return value


def _short(value: Any) -> str:
    if isinstance(value, int) and value > SIZE_MAX_BYTES:
        return "more than a PiB"
    return ascii(value)[:40]
