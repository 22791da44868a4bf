"""What is written down about an unfinished file, so that another process can go on with it.

Owns the document's form. It holds no secret: neither headers nor an address's query. Pure:
reading and writing belong to `part`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from stoker.models.download.answers import Validators
from stoker.models.download.ranges import Ranges, Span

VERSION = 1
BYTES_MAX = 256 * 1024
_SPANS_MAX = 4096
_SIZE_MAX = 1 << 50
_TEXT_MAX = 2048
_FIELDS = frozenset({"version", "source", "size_bytes", "etag", "last_modified", "done"})


@dataclass(frozen=True, slots=True)
class Journal:
    """The state of one unfinished file; `done` are the spans of bytes that lie on the disk."""

    source: str
    size_bytes: int
    validators: Validators
    done: tuple[Span, ...]

    def to_json(self) -> bytes:
        """The document that `from_json` reads."""
        document = {
            "version": VERSION,
            "source": self.source,
            "size_bytes": self.size_bytes,
            **asdict(self.validators),
            "done": self.done,
        }
        return json.dumps(document).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Journal | None:
        """The journal that `data` writes; None for anything else, after which one starts over."""
        try:
            return _read(data)
        except (ValueError, TypeError, KeyError, RecursionError):
            return None


def _read(data: bytes) -> Journal | None:
    document = json.loads(data) if len(data) <= BYTES_MAX else None
    if not isinstance(document, dict) or document.keys() != _FIELDS:
        return None
    size = document["size_bytes"]
    texts = [document[name] for name in ("source", "etag", "last_modified")]
    if document["version"] != VERSION or not _is_count(size, _SIZE_MAX):
        return None
    if not all(isinstance(text, str) and len(text) <= _TEXT_MAX for text in texts):
        return None
    done = tuple((start, end) for start, end in document["done"])
    if len(done) > _SPANS_MAX or not all(_is_span(span, size) for span in done):
        return None
    return Journal(texts[0], size, Validators(texts[1], texts[2]), tuple(Ranges(done)))


def _is_span(span: tuple[Any, Any], size: int) -> bool:
    start, end = span
    return _is_count(start, size) and _is_count(end, size) and start < end


def _is_count(value: Any, most: int) -> bool:
    return type(value) is int and 0 <= value <= most
