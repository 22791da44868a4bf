"""What the headers of an answer say about the bytes that follow. Pure.

Owns the forms (RFC 9110, 14.4 and 8.8) and their checks; what follows from them is `transfer`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from stoker.core.errors import SourceUnsafeError
from stoker.models.http import STATE_MAX

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_UNSATISFIED = re.compile(r"bytes \*/(\d{1,18})")
_LENGTH = re.compile(r"\d{1,18}")
_TEXT_MAX = 1024
_STRONG_AFTER_S = 1.0


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells one state of a file from another; empty where the server does not say."""

    etag: str = ""
    last_modified: str = ""

    @property
    def if_range(self) -> str:
        """What makes a server send the whole file if it has changed; empty where nothing does."""
        return self.last_modified if self.etag.startswith("W/") or not self.etag else self.etag

    @property
    def state(self) -> str:
        """As `if_range`, for a manifest; empty where that could not be written down."""
        found = self.if_range
        return found if found.isprintable() and len(found) <= STATE_MAX else ""

    def contradict(self, other: Validators) -> bool:
        """Whether the two cannot belong to one state; a weak tag equals its strong form."""
        if self.etag and other.etag:
            return self.etag.removeprefix("W/") != other.etag.removeprefix("W/")
        if self.last_modified and other.last_modified:
            return self.last_modified != other.last_modified
        return False


@dataclass(frozen=True, slots=True)
class ContentRange:
    """The bytes from `start` up to `end`, of `size`; None where the server does not know."""

    start: int
    end: int
    size: int | None


def validators(headers: Mapping[str, str]) -> Validators:
    """The validators of an answer; a date counts only if it can tell two states apart."""
    etag = headers.get("ETag", "")
    modified = headers.get("Last-Modified", "")
    date = headers.get("Date", "")
    return Validators(
        etag if len(etag) <= _TEXT_MAX else "", modified if _is_strong(modified, date) else ""
    )


def content_range(headers: Mapping[str, str], where: str) -> ContentRange:
    """Which bytes a 206 answer holds.

    Raises:
        SourceUnsafeError: it does not say so, or says what cannot be.
    """
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if match is None:
        raise SourceUnsafeError(f"{where} does not say which bytes it sends")
    start, last = int(match[1]), int(match[2])
    size = None if match[3] == "*" else int(match[3])
    length = content_length(headers, where)
    wrong_length = length is not None and length != last + 1 - start
    if last < start or (size is not None and last >= size) or wrong_length:
        raise SourceUnsafeError(f"{where} contradicts itself about the bytes it sends")
    return ContentRange(start, last + 1, size)


def http_date(text: str) -> float | None:
    """A date as headers write it, in seconds since 1970; None where it is none that can be."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()


def unsatisfied_size(headers: Mapping[str, str]) -> int | None:
    """The file's size in bytes, as a 416 answer tells it; None where it does not."""
    match = _UNSATISFIED.fullmatch(headers.get("Content-Range", "").strip())
    return int(match[1]) if match else None


def content_length(headers: Mapping[str, str], where: str) -> int | None:
    """The length of the body in bytes; None where it is not told.

    Raises:
        SourceUnsafeError: it is no number.
    """
    text = headers.get("Content-Length")
    if text is None:
        return None
    if _LENGTH.fullmatch(text.strip()) is None:
        raise SourceUnsafeError(f"{where} gives its length as no number")
    return int(text)


def check_not_encoded(headers: Mapping[str, str], where: str) -> None:
    """Nothing, where the body is the file itself.

    Raises:
        SourceUnsafeError: it is compressed, though that was not asked for, or in several parts.
    """
    encoding = headers.get("Content-Encoding", "").strip().lower()
    if encoding not in {"", "identity"}:
        raise SourceUnsafeError(f"{where} sends the file encoded ({encoding[:20]!r}), unasked")
    if headers.get("Content-Type", "").lower().startswith("multipart/byteranges"):
        raise SourceUnsafeError(f"{where} sends several ranges, and one was asked for")


def _is_strong(modified: str, date: str) -> bool:
    """Whether a date was old enough when it was sent to tell two states apart (RFC 9110, 8.8.2)."""
    sent, changed = http_date(date), http_date(modified)
    return sent is not None and changed is not None and sent - changed >= _STRONG_AFTER_S
