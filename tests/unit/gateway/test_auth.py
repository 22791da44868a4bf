"""The host of a Host header, however it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.gateway.auth import host_name


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8707", "localhost"),
        ("127.0.0.1:1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[::1]:80", "::1"),
        ("", ""),
        ("localhost.evil.example:80", "localhost.evil.example"),
        ("localhost@evil", "localhost@evil"),
    ],
)
def test_the_port_and_the_case_do_not_count(header: str, host: str) -> None:
    assert host_name(header) == host


@given(st.text())
def test_no_header_breaks_it(header: str) -> None:
    assert host_name(header) == host_name(header).lower()
