"""Which hosts are this machine or this network, as far as a name alone can tell. Pure.

What a name resolves to is checked by whoever connects: `stoker.models.download`.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address


def host_of(netloc: str) -> str:
    """The host of `host:port`, in small letters and without brackets; empty when there is none."""
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether `host` (no port) is this machine: localhost, 127.0.0.0/8 or ::1."""
    address = _address(host)
    return address.is_loopback if address is not None else host == "localhost"


def is_inside(host: str) -> bool:
    """Whether `host` (no port) names an address that the internet does not reach."""
    address = _address(host)
    return is_loopback(host) or (address is not None and not address.is_global)


def _address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
