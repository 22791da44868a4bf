"""Which addresses a source may send us to. Pure.

The rule. An address is public, or it is nearer: private (a home's or a company's network), of the
same link, or this machine itself. The host that the person named may be any of these: a model may
well lie on a server in the same room. But nobody whom the source names, by a redirect or by an
address in one of its answers, may be nearer than the host that the person named: what is public
never leads inside, and what is in the same room never leads to this machine. Addresses of clouds'
metadata services, multicast and those that mean no host are refused to everybody. Every address
that a name has must keep the rule, and the ones that were checked are those that are connected to.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from enum import IntEnum

from stoker.core.errors import SourceUnreachableError, SourceUnsafeError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
ADDRESSES_MAX = 32


class Nearness(IntEnum):
    """How near to us an address is; a larger number is nearer."""

    PUBLIC = 0
    PRIVATE = 1
    LINK = 2
    LOOPBACK = 3
    NEVER = 4


Classify = Callable[[Address], Nearness]

_WORDS = {
    Nearness.PUBLIC: "public",
    Nearness.PRIVATE: "private",
    Nearness.LINK: "of this link",
    Nearness.LOOPBACK: "this machine itself",
    Nearness.NEVER: "never a model's source",
}
# Where clouds tell a machine its own secrets.
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    )
)
_NOBODY = tuple(ipaddress.ip_network(text) for text in ("0.0.0.0/8", "240.0.0.0/4", "::/128"))
_LOOPBACK = tuple(ipaddress.ip_network(text) for text in ("127.0.0.0/8", "::1/128"))
# Within these an IPv4 address is written: RFC 6052, RFC 8215, and the old compatible form.
_TRANSLATED = tuple(
    ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/96", "::/96")
)


def nearness(address: Address) -> Nearness:
    """How near `address` is; one that wraps another is as near as the one it wraps."""
    inner = _unwrapped(address)
    if inner is not None:
        return nearness(inner)
    if address in _METADATA or address.is_multicast or _within(address, _NOBODY):
        return Nearness.NEVER
    if _within(address, _LOOPBACK):
        return Nearness.LOOPBACK
    if address.is_link_local:
        return Nearness.LINK
    return Nearness.PUBLIC if address.is_global else Nearness.PRIVATE


def checked(
    host: str, texts: Iterable[str], nearest: Nearness | None, classify: Classify = nearness
) -> Nearness:
    """How far the farthest of `host`'s addresses is.

    `nearest` is how near they may be; None for the host that the person named.

    Raises:
        SourceUnreachableError: there is no address, or one that cannot be read.
        SourceUnsafeError: one of them, or their number, breaks the rule.
    """
    found = [classify(_address(host, text)) for text in texts]
    if not found:
        raise SourceUnreachableError(f"The name {host} has no address")
    if len(found) > ADDRESSES_MAX:
        raise SourceUnsafeError(f"The name {host} has more than {ADDRESSES_MAX} addresses")
    if max(found) is Nearness.NEVER:
        raise SourceUnsafeError(f"{host} has an address that is {_WORDS[Nearness.NEVER]}")
    if nearest is not None and max(found) > nearest:
        raise SourceUnsafeError(
            f"The source sends on to {host}, whose address is {_WORDS[max(found)]};"
            f" the host that was named is {_WORDS[nearest]}"
        )
    return min(found)


def _address(host: str, text: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise SourceUnreachableError(f"The name {host} has no usable address") from None


def _unwrapped(address: Address) -> Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    wrapped = address.ipv4_mapped or address.sixtofour
    if wrapped is None and address.teredo is not None:
        wrapped = address.teredo[1]
    if wrapped is None and _within(address, _TRANSLATED) and int(address) > 1:
        wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return wrapped


def _within(
    address: Address, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]
) -> bool:
    return any(address.version == net.version and address in net for net in networks)
