"""What is said of unfinished downloads is what lies on the disk, and `gc` can drop it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stoker.files.locks import held, try_lock
from stoker.models.download.answers import Validators
from stoker.models.download.part import Part
from stoker.models.storing.housekeeping import collect, usage
from stoker.models.storing.store import Store
from stoker.models.storing.unfinished import unfinished

MIB = 1 << 20


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "models")
    part = Part(store.parts, "abc", "https://host/m.gguf")
    part.begin(64 * MIB, Validators('"one"'), resumable=True)
    part.write(MIB, b"x" * MIB)
    part.save_now()
    part.close()
    os.utime(store.parts / "abc.part", (1000, 1000))
    os.utime(store.parts / "abc.json", (2000, 2000))
    return store


def test_a_part_tells_its_source_how_far_it_is_and_what_it_really_takes(store: Store) -> None:
    (one,) = unfinished(store)
    assert (one.key, one.source, one.held) == ("abc", "https://host/m.gguf", False)
    assert (one.done_bytes, one.size_bytes, one.changed_unix_s) == (MIB, 64 * MIB, 2000)
    assert MIB <= one.disk_bytes < 2 * MIB
    assert usage(store).parts_bytes == one.disk_bytes


def test_a_part_without_a_journal_is_listed_too(store: Store) -> None:
    (store.parts / "abc.json").write_text("{")
    (one,) = unfinished(store)
    assert (one.source, one.done_bytes, one.size_bytes) == ("", 0, None)


def test_all_go_when_asked_but_what_goes_on_now(store: Store) -> None:
    assert collect(store, clock=lambda: 3000.0).removed == ()
    lock = try_lock(store.parts / "abc.lock")
    assert lock is not None
    with held(lock):
        assert unfinished(store)[0].held
        assert collect(store, all_parts=True).removed == ()
    (dropped,) = collect(store, all_parts=True, dry_run=True).removed
    assert (dropped.kind, dropped.name) == ("part", "abc")
    assert MIB <= dropped.size_bytes < 2 * MIB
    assert collect(store, all_parts=True).size_bytes == dropped.size_bytes
    assert list(store.parts.iterdir()) == []


def test_an_empty_store_has_none(tmp_path: Path) -> None:
    assert unfinished(Store(tmp_path / "none")) == []
