"""What is public never leads inside, and what is in the same room never leads to this machine."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import SourceUnreachableError, SourceUnsafeError
from stoker.models.download.addresses import ADDRESSES_MAX, Nearness, checked, nearness

KINDS = {
    Nearness.PUBLIC: ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"],
    Nearness.PRIVATE: [
        *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
        *("100.127.255.255", "198.18.0.1", "192.0.2.1", "203.0.113.9", "fc00::1", "fdff::1"),
        *("::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "2001:db8::1"),
    ],
    Nearness.LINK: ["169.254.1.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.1.1"],
    Nearness.LOOPBACK: [
        *("127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::127.0.0.1"),
        *("64:ff9b::7f00:1", "2002:7f00:1::1"),
    ],
    Nearness.NEVER: [
        *("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16"),
        *("fd00:ec2::254", "::ffff:169.254.169.254", "0.0.0.0", "0.1.2.3", "::"),  # noqa: S104 - refused
        *("224.0.0.1", "239.255.255.255", "ff02::1", "240.0.0.1", "255.255.255.255"),
    ],
}
EXAMPLES = [(text, kind) for kind, texts in KINDS.items() for text in texts]


@pytest.mark.parametrize(("text", "kind"), EXAMPLES)
def test_each_kind_of_address_is_known(text: str, kind: Nearness) -> None:
    assert nearness(ipaddress.ip_address(text)) is kind


@pytest.mark.parametrize(("text", "kind"), EXAMPLES)
def test_the_person_may_name_anything_but_what_is_never_a_source(text: str, kind: Nearness) -> None:
    if kind is Nearness.NEVER:
        with pytest.raises(SourceUnsafeError):
            checked("host", [text], None)
    else:
        assert checked("host", [text], None) is kind


@given(st.sampled_from(EXAMPLES), st.sampled_from(list(Nearness)))
def test_nobody_else_leads_nearer_than_the_host_that_was_named(
    example: tuple[str, Nearness], named: Nearness
) -> None:
    text, kind = example
    if kind is not Nearness.NEVER and kind <= named:
        assert checked("host", [text], named) is kind
    else:
        with pytest.raises(SourceUnsafeError):
            checked("host", [text], named)


def test_every_address_of_a_name_must_keep_the_rule() -> None:
    mixed = ["93.184.216.34", "127.0.0.1"]
    with pytest.raises(SourceUnsafeError, match="this machine itself"):
        checked("host", mixed, Nearness.PUBLIC)
    assert checked("host", mixed, None) is Nearness.PUBLIC


def test_no_address_and_too_many_are_refused() -> None:
    with pytest.raises(SourceUnreachableError):
        checked("host", [], None)
    with pytest.raises(SourceUnreachableError):
        checked("host", ["no address"], None)
    with pytest.raises(SourceUnsafeError):
        checked("host", ["93.184.216.34"] * (ADDRESSES_MAX + 1), None)


@given(st.integers(0, 2**32 - 1))
def test_wrapping_an_address_does_not_make_it_farther(number: int) -> None:
    plain = ipaddress.IPv4Address(number)
    mapped = ipaddress.ip_address(f"::ffff:{plain}")
    assert nearness(mapped) is nearness(plain)
    translated = ipaddress.IPv6Address(socket.inet_pton(socket.AF_INET6, f"64:ff9b::{plain}"))
    assert nearness(translated) is nearness(plain)
