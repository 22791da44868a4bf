"""Where a redirect leads, and what of our headers goes along. Pure.

Owns the rules: never from https to http, never to another kind of address, never with a password
in it; and only headers that cannot be a secret go to another origin. The rules about the host's
addresses are in `addresses`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urljoin, urlsplit

from stoker.core.errors import InvalidSourceError, SourceUnsafeError
from stoker.models.http import NO_HEADERS

LOCATION_MAX = 8192
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
_HARMLESS = frozenset({"accept", "accept-language", "user-agent"})
_SHOWN = 160


@dataclass(frozen=True, slots=True)
class Hop:
    """An address to ask, and the source's headers that may be sent there."""

    url: str
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS, repr=False)


def first_hop(url: str, headers: Mapping[str, str] = NO_HEADERS) -> Hop:
    """The hop that a source asks for.

    Raises:
        InvalidSourceError: not an http or https address.
    """
    if _origin(_split(url)) is None:
        raise InvalidSourceError("That is not an http or https address")
    return Hop(url, headers)


def next_hop(hop: Hop, location: str | None) -> Hop:
    """Where an answer's `Location` leads from `hop`.

    Raises:
        SourceUnsafeError: there is no address, or it is not one to follow.
    """
    if not location or len(location) > LOCATION_MAX:
        raise SourceUnsafeError(f"{shown(hop.url)} redirects without a usable address")
    if not location.isprintable() or "\\" in location:
        raise SourceUnsafeError(f"{shown(hop.url)} redirects to an address that is none")
    url = _joined(hop.url, location)
    old, new = _split(hop.url), _split(url)
    if new is None or _origin(new) is None:
        raise SourceUnsafeError(f"{shown(hop.url)} redirects to something else than a web address")
    if new.username is not None or new.password is not None:
        raise SourceUnsafeError(f"{shown(hop.url)} redirects to an address with a password")
    if old is not None and old.scheme == "https" and new.scheme == "http":
        raise SourceUnsafeError(f"{shown(hop.url)} redirects from https to http")
    same = _origin(old) == _origin(new)
    return Hop(url, hop.headers if same else harmless(hop.headers))


def harmless(headers: Mapping[str, str]) -> dict[str, str]:
    """Those of `headers` that hold no secret, whoever set them."""
    return {name: value for name, value in headers.items() if name.lower() in _HARMLESS}


def shown(url: str) -> str:
    """`url` as errors and files may hold it: without its query, which may be a key."""
    parts = _split(url)
    if parts is None:
        return "the address"
    host = parts.netloc.rpartition("@")[2]
    text = f"{parts.scheme}://{host}{parts.path}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _joined(base: str, location: str) -> str:
    try:
        return urljoin(base, location).partition("#")[0]
    except ValueError:
        return ""


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _origin(parts: SplitResult | None) -> tuple[str, str, int] | None:
    if parts is None or parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
