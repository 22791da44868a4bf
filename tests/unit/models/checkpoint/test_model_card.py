"""The licence of a README.md's front matter, and nothing that only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.models.checkpoint.model_card import CARD_BYTES_MAX, licence_of


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        (b"---\nlicense: apache-2.0\n---\n# Model", "apache-2.0"),
        (b"---\r\nlanguage:\r\n- en\r\nlicense: 'mit'  # free\r\n---\r\n", "mit"),
        (b'\xef\xbb\xbf---\nlicense: "cc-by-4.0"\n---', "cc-by-4.0"),
        (b"---\nlicense: other\nlicense_name: shop-terms\n---\n", "shop-terms"),
        (b"---\nlicense: other\n---\n", "other"),
        (b"---\nlicense_link: x\n---\nlicense: mit\n", ""),
        (b"# Model\n---\nlicense: mit\n---\n", ""),
        (b"---\n  license: nested\n---\n", ""),
        (b"---\nlicense: [mit, gpl]\n---\n", ""),
        (b"---\nlicense: mit\n", ""),
        (b"", ""),
    ],
)
def test_the_front_matter_alone_says_the_licence(card: bytes, licence: str) -> None:
    assert licence_of(card) == licence


def test_no_more_than_the_first_bytes_are_read() -> None:
    assert licence_of(b"---\nlicense: mit\n" + b"x\n" * CARD_BYTES_MAX + b"---\n") == ""


@given(st.binary(max_size=300))
def test_whatever_the_bytes_are_it_is_a_short_printable_text(tail: bytes) -> None:
    found = licence_of(b"---\nlicense: " + tail + b"\n---\n")
    assert len(found) <= 200
    assert found.isprintable()
