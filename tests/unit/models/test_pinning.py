"""A model is its bytes: another byte between two loads is noticed, a mere touch is forgiven."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from stoker.core.errors import LoadTimeoutError, ModelFileMissingError, PlanDriftError
from stoker.core.model import LocalModel
from stoker.models import pinning
from stoker.models.catalogue import find_model
from stoker.models.pinning import Pin, PinnedFiles, checked, pin_files, with_digests
from stoker.models.storing.store import Store, hash_file
from stoker.testing.architectures import write_architecture
from stoker.testing.clock import ManualClock
from stoker.testing.synthetic import write_split_model


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


@pytest.fixture
def model(tmp_path: Path, store: Store) -> LocalModel:
    """A model of three files."""
    (tmp_path / "split").mkdir()
    return find_model(str(write_split_model(tmp_path / "split" / "m.gguf", 3)), store)


@pytest.fixture
def pins(model: LocalModel, store: Store) -> tuple[Pin, ...]:
    return pin_files(model, store)


def write_in_place(path: Path) -> None:
    """Another last byte, and the time of writing as it was."""
    before = path.stat()
    data = path.read_bytes()
    with path.open("r+b") as file:
        file.write(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_all_files_are_pinned_in_their_order(model: LocalModel, pins: tuple[Pin, ...]) -> None:
    assert [pin.digest for pin in pins] == [hash_file(pin.path) for pin in pins]
    assert [pin.path.name[-19:-14] for pin in pins] == ["00001", "00002", "00003"]
    pinned = with_digests(model, pins)
    assert pinned.digests == tuple(pin.digest for pin in pins)
    assert pinned.facts.digest == pinned.digests[0]


def test_a_file_named_like_a_part_that_is_none_is_pinned_alone(
    tmp_path: Path, store: Store, model: LocalModel
) -> None:
    path = write_architecture(tmp_path / "m-00001-of-00009.gguf", "llama")
    assert [pin.path for pin in pin_files(find_model(str(path), store), store)] == [path]


def test_what_nobody_touched_is_not_read_again(
    pins: tuple[Pin, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pinning, "hash_file", lambda path: pytest.fail(str(path)))
    assert checked(pins) == pins


def test_what_was_only_touched_is_hashed_and_still_good(pins: tuple[Pin, ...]) -> None:
    os.utime(pins[1].path)
    fresh = checked(pins)
    assert fresh != pins
    assert [pin.digest for pin in fresh] == [pin.digest for pin in pins]
    assert checked(fresh) == fresh


def test_another_byte_in_any_file_is_drift(pins: tuple[Pin, ...]) -> None:
    for pin in pins:
        kept = pin.path.read_bytes()
        write_in_place(pin.path)
        with pytest.raises(PlanDriftError, match=pin.path.name):
            checked(pins)
        pin.path.write_bytes(kept)
        checked(pins)


def test_a_file_that_is_gone_is_missing(pins: tuple[Pin, ...]) -> None:
    pins[2].path.unlink()
    with pytest.raises(ModelFileMissingError, match=pins[2].path.name):
        checked(pins)


def test_a_file_that_is_written_to_while_it_is_hashed_is_no_pin(
    model: LocalModel, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(path: Path) -> str:
        digest = hash_file(path)
        write_in_place(path)
        return digest

    monkeypatch.setattr(pinning, "hash_file", meanwhile)
    with pytest.raises(PlanDriftError, match="while it was read"):
        pin_files(model, store)


async def test_reading_a_touched_file_has_a_deadline(
    model: LocalModel, pins: tuple[Pin, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = threading.Event()
    monkeypatch.setattr(pinning, "hash_file", lambda _: read.wait() and "")
    os.utime(pins[0].path)
    clock = ManualClock()
    task = asyncio.ensure_future(PinnedFiles({model.ref: pins}, clock, 7.0).check(model.ref))
    try:
        await clock.wait_sleepers(1)
        await clock.advance(7.0)
        with pytest.raises(LoadTimeoutError):
            await task
    finally:
        read.set()
