"""A file outside the store is hashed once, and again when it has changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stoker.models.storing import known_digests
from stoker.models.storing.known_digests import Identity, KnownDigests

DIGEST = f"sha256:{'a' * 64}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.gguf"
    path.write_bytes(b"abc")
    return path


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "home" / "digests.json"


def test_what_was_remembered_is_known_to_the_next_process_and_to_its_owner_alone(
    file: Path, memory: Path
) -> None:
    assert KnownDigests(memory).get(file) is None
    assert not memory.parent.exists()
    KnownDigests(memory).remember(Identity.of(file), DIGEST)
    assert KnownDigests(memory).get(file) == DIGEST
    assert memory.stat().st_mode & 0o777 == 0o600
    assert memory.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_was_touched_or_replaced_is_unknown(file: Path, memory: Path) -> None:
    known = KnownDigests(memory)
    known.remember(Identity.of(file), DIGEST)
    os.utime(file, ns=(1, 1))
    assert known.get(file) is None
    known.remember(Identity.of(file), DIGEST)
    other = file.with_name("b")
    other.write_bytes(b"abd")
    os.utime(other, ns=(1, 1))
    other.replace(file)
    assert known.get(file) is None


def test_the_oldest_are_forgotten(
    file: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_digests, "ENTRIES_MAX", 2)
    known = KnownDigests(memory)
    known.remember(Identity.of(file), DIGEST)
    known.remember(Identity(1, 1, 1, 1), DIGEST)
    assert known.get(file) == DIGEST
    known.remember(Identity(1, 2, 1, 1), DIGEST)
    assert known.get(file) is None


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"a": 1}', b"\xff", b"[" * 100_000])
def test_a_memory_that_cannot_be_read_is_none(file: Path, memory: Path, data: bytes) -> None:
    memory.parent.mkdir()
    memory.write_bytes(data)
    known = KnownDigests(memory)
    assert known.get(file) is None
    known.remember(Identity.of(file), DIGEST)
    assert known.get(file) == DIGEST


def test_a_home_that_cannot_be_written_is_no_error(file: Path, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    known = KnownDigests(tmp_path / "home" / "digests.json")
    known.remember(Identity.of(file), DIGEST)
    assert known.get(file) is None
