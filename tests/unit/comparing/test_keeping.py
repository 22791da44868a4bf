"""Files are hashed once, so that what was found of them is found again; nobody waits in vain."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stoker.comparing.keeping import Keeper, digest_of
from stoker.comparing.plan import Candidate
from stoker.models.catalogue import find_model, starter
from stoker.models.storing import store
from stoker.models.storing.known_digests import Identity, KnownDigests
from stoker.state.home import Home
from stoker.testing.synthetic import write_model


async def test_files_that_stay_are_remembered_by_their_digest_and_made_ones_are_not(
    tmp_path: Path,
) -> None:
    home, file = Home(tmp_path / "home").prepare(), write_model(tmp_path / "m.gguf")
    model = find_model(str(file))
    kept_file, made = Candidate("q8_0", model), Candidate("q4_0", model, "Q4_0")
    keeper = Keeper(home)
    assert (await keeper.note(made, file)).digest == store.hash_file(file)
    assert KnownDigests(home.digests).get(file) is None
    assert (await keeper.note(kept_file, file)).digest == store.hash_file(file)
    assert KnownDigests(home.digests).get(file) == store.hash_file(file)


async def test_a_digest_that_is_pinned_is_taken_as_it_is(tmp_path: Path) -> None:
    facts = await Keeper(Home(tmp_path)).note(Candidate("f16", starter()), starter().path)
    assert facts.digest == starter().facts.digest
    assert not (tmp_path / "digests.json").exists()


async def test_a_file_is_hashed_once_and_remembered(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"weights")
    known = KnownDigests(tmp_path / "digests.json")
    found = await digest_of(file, known)
    assert found == store.hash_file(file)
    assert known.get(file) == found
    known.remember(Identity.of(file), "sha256:" + "1" * 64)
    assert await digest_of(file, known) == "sha256:" + "1" * 64
    assert await digest_of(file) == found
    assert await digest_of(tmp_path / "none.gguf", known) is None


async def test_a_hash_that_nobody_waits_for_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"weights")
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(path: Path, told: object) -> str:
        loop.call_soon_threadsafe(begun.set)
        while True:
            told(1)  # type: ignore[operator]

    monkeypatch.setattr("stoker.comparing.keeping.hash_file", endless)
    work = asyncio.ensure_future(digest_of(file))
    await begun.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
