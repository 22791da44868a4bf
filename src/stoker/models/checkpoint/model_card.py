"""The licence that a Hugging Face folder's README.md states in its front matter.

Owns the little of that form that is needed: the lines between two `---`, and `license:` among
them. It is no YAML reader: what is not one plain word or a quoted one is taken for nothing.
"""

from __future__ import annotations

import re

CARD = "README.md"
CARD_BYTES_MAX = 64 << 10
_FENCE = "---"
_OTHER = "other"  # then `license_name` says which
_LINE = re.compile(
    r"(license|license_name):\s+(\"[^\"]*\"|'[^']*'|[^\s#\"'\[\]{}|>&*!%@`]+)\s*(#.*)?"
)


def licence_of(card: bytes) -> str:
    """The licence in the first bytes of a README.md, at most 200 letters; empty for none."""
    said: dict[str, str] = {}
    lines = card[:CARD_BYTES_MAX].decode(errors="replace").splitlines()
    if not lines or lines[0].lstrip("\ufeff").rstrip() != _FENCE:
        return ""
    for line in lines[1:]:
        if line.rstrip() == _FENCE:
            return _named(said)
        if match := _LINE.fullmatch(line.rstrip()):
            said.setdefault(match[1], match[2].strip("\"'"))
    return ""  # the front matter has no end within the bound, so it is none


def _named(said: dict[str, str]) -> str:
    licence = said.get("license", "")
    if licence == _OTHER:
        licence = said.get("license_name") or licence
    return licence[:200] if licence.isprintable() else ""
