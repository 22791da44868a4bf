"""The digest is that of what lies in the file, taken while it grows."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.models.download.hashing import PrefixHasher

DATA = os.urandom(3_000_000)


@pytest.fixture
def handle(tmp_path: Path) -> Iterator[int]:
    opened = os.open(tmp_path / "x", os.O_RDWR | os.O_CREAT)
    yield opened
    os.close(opened)


def sha(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


async def test_it_follows_a_file_that_grows(handle: int) -> None:
    hasher = PrefixHasher(handle)
    try:
        for at in range(0, len(DATA), 700_000):
            end = min(at + 700_000, len(DATA))
            os.pwrite(handle, DATA[at:end], at)
            hasher.advance(end)
            assert await hasher.digest() == sha(DATA[:end])
    finally:
        hasher.close()


async def test_it_begins_anew(handle: int) -> None:
    hasher = PrefixHasher(handle)
    try:
        os.pwrite(handle, DATA, 0)
        hasher.advance(len(DATA))
        hasher.restart()
        os.ftruncate(handle, 0)
        os.pwrite(handle, b"abc", 0)
        hasher.advance(3)
        assert await hasher.digest() == sha(b"abc")
    finally:
        hasher.close()


async def test_a_file_that_is_shorter_than_it_was_told_is_an_error(handle: int) -> None:
    hasher = PrefixHasher(handle)
    try:
        os.pwrite(handle, b"abc", 0)
        hasher.advance(4)
        with pytest.raises(OSError, match="shorter"):
            await hasher.digest()
    finally:
        hasher.close()


async def test_of_nothing_the_digest_is_that_of_nothing(handle: int) -> None:
    hasher = PrefixHasher(handle)
    try:
        assert await hasher.digest() == sha(b"")
    finally:
        hasher.close()
        hasher.close()


@given(st.lists(st.integers(0, 5000), max_size=6))
def test_told_less_than_before_it_keeps_what_it_has(ends: list[int]) -> None:
    handle = os.memfd_create("x")
    try:
        os.pwrite(handle, DATA[:5000], 0)
        hasher = PrefixHasher(handle)
        for end in ends:
            hasher.advance(end)
        assert hasher._wait() == sha(DATA[: max(ends, default=0)])
        hasher.close()
    finally:
        os.close(handle)
