"""The store: only whole, right files enter; names pin digests; nothing in use goes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.errors import (
    DigestMismatchError,
    DiskFullError,
    HomeError,
    InvalidModelNameError,
    InvalidSourceError,
    ModelInUseError,
    ModelNotFoundError,
    StokerError,
    StoreDamagedError,
)
from stoker.core.model import ModelRef
from stoker.files.locks import held, try_lock
from stoker.models.storing.housekeeping import OLD_S, collect, collect_blobs, usage
from stoker.models.storing.manifest import Layer, Manifest
from stoker.models.storing.store import Store
from stoker.models.storing.verifying import choose, choose_all, set_aside_manifests, verify

SHOP = ModelRef("shop")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


def sha(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def part(store: Store, data: bytes) -> Path:
    store.parts.mkdir(parents=True, exist_ok=True)
    path = store.parts / f"p{sha(data)[7:23]}"
    path.write_bytes(data)
    return path


def manifest(ref: ModelRef, *datas: bytes) -> Manifest:
    layers = tuple(Layer(sha(data), len(data), "model", "a.gguf") for data in datas)
    return Manifest(ref, "here", layers, 1, {})


def add(store: Store, ref: ModelRef, *datas: bytes) -> Manifest:
    for data in datas:
        store.adopt(part(store, data), sha(data))
    made = manifest(ref, *datas)
    store.put(made)
    return made


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


def test_nothing_is_created_by_looking(store: Store) -> None:
    assert store.manifests() == ()
    assert not store.has(sha(b""))
    assert not store.in_use(sha(b""))
    assert usage(store).blobs_bytes == 0
    assert not store.root.exists()


@pytest.mark.parametrize(
    "digest",
    ["sha256:../../x", "sha256:", "x", "sha256:" + "A" * 64, "sha256:" + "a" * 64 + "\n", "a" * 64],
)
def test_a_digest_of_the_wrong_form_never_becomes_a_path(store: Store, digest: str) -> None:
    for use in (store.blob, store.has, store.in_use):
        with pytest.raises(InvalidSourceError):
            use(digest)
    with pytest.raises(InvalidSourceError):
        store.adopt(part(store, b"x"), digest)


def test_what_differs_from_its_digest_does_not_enter_and_is_not_kept(store: Store) -> None:
    file = part(store, b"evil")
    with pytest.raises(DigestMismatchError):
        store.adopt(file, sha(b"good"))
    assert not file.exists()
    assert files(store.blobs) == []


def test_a_link_never_enters(store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    store.parts.mkdir(parents=True)
    (store.parts / "link").symlink_to(secret)
    with pytest.raises(HomeError):
        store.adopt(store.parts / "link", sha(b"secret"))
    assert files(store.blobs) == []


def test_everything_is_its_owners_only(store: Store) -> None:
    add(store, SHOP, b"abc")
    for path in store.root.rglob("*"):
        if path not in {store.parts, *store.parts.rglob("*")}:  # the test made those
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_file_may_be_adopted_again(store: Store) -> None:
    for _ in range(2):
        assert store.adopt(part(store, b"abc"), sha(b"abc")).read_bytes() == b"abc"
    assert files(store.parts) == []


def test_a_name_pins_only_what_is_there_and_of_its_size(store: Store) -> None:
    with pytest.raises(StoreDamagedError):
        store.put(manifest(SHOP, b"abc"))
    store.adopt(part(store, b"abc"), sha(b"abc"))
    wrong = Manifest(SHOP, "x", (Layer(sha(b"abc"), 4, "model", "a"),), 1, {})
    with pytest.raises(StoreDamagedError):
        store.put(wrong)
    assert store.manifests() == ()


def test_a_name_is_written_only_over_what_it_is_to_replace(store: Store) -> None:
    old = add(store, SHOP, b"old")
    store.adopt(part(store, b"new"), sha(b"new"))
    new = manifest(SHOP, b"new")
    assert not store.put(new, replacing=None)
    assert not store.put(new, replacing=manifest(SHOP, b"other"))
    assert store.get(SHOP) == old
    assert store.put(new, replacing=old)
    assert not store.put(old, replacing=old)
    assert store.get(SHOP) == new
    store.remove(SHOP)
    assert store.put(old, replacing=None)


def test_what_could_not_be_named_is_not_held_any_longer(store: Store) -> None:
    store.adopt(part(store, b"abc"), sha(b"abc"))
    with pytest.raises(StoreDamagedError):
        store.put(manifest(SHOP, b"abc", b"missing"))
    assert not store.in_use(sha(b"abc"))
    assert collect(store).size_bytes == 3


def test_the_starters_name_is_not_given_away(store: Store) -> None:
    add(store, SHOP, b"abc")
    with pytest.raises(InvalidModelNameError):
        store.copy(SHOP, ModelRef("starter"))


def test_names_that_differ_in_case_are_two_even_where_files_names_are_not(store: Store) -> None:
    add(store, ModelRef("Shop"), b"one")
    add(store, ModelRef("shop"), b"two")
    names = files(store.manifest_folder)
    assert len({name.lower() for name in names}) == 2
    assert store.get(ModelRef("Shop")).layers != store.get(SHOP).layers


def test_the_longest_name_is_stored(store: Store) -> None:
    ref = ModelRef.parse("n" * 96 + ":" + "t" * 96)
    assert add(store, ref, b"x") == store.get(ref)


def test_a_name_that_is_not_there_brings_near_ones(store: Store) -> None:
    add(store, ModelRef("qwen", "q8"), b"x")
    with pytest.raises(ModelNotFoundError) as caught:
        store.get(ModelRef("qwem", "q8"))
    assert "qwen:q8" in caught.value.hint


def test_a_damaged_manifest_is_told_and_hides_no_other(store: Store) -> None:
    add(store, SHOP, b"abc")
    (store.manifest_folder / "bad@x-0.json").write_text("{")
    listing = store.listing()
    assert [one.ref for one in listing.manifests] == [SHOP]
    assert listing.damaged == ("bad@x-0.json",)


def test_a_manifest_under_another_names_file_is_damaged(store: Store) -> None:
    add(store, SHOP, b"abc")
    (file,) = store.manifest_folder.glob("*")
    file.rename(file.with_name("other@latest-0000000000000000.json"))
    assert store.manifests() == ()
    assert len(store.listing().damaged) == 1


def test_the_store_can_be_moved(store: Store, tmp_path: Path) -> None:
    made = add(store, SHOP, b"abc")
    old = str(store.root).encode()
    assert not any(old in path.read_bytes() for path in store.root.rglob("*") if path.is_file())
    store.root.rename(tmp_path / "elsewhere")
    moved = Store(tmp_path / "elsewhere")
    assert moved.get(SHOP) == made
    assert verify(moved, choose_all(moved)).findings == ()


def test_a_copy_shares_files_and_takes_no_name_that_is_taken(store: Store) -> None:
    made = add(store, SHOP, b"abc")
    assert store.copy(SHOP, ModelRef("b")).layers == made.layers
    assert len(files(store.blobs)) == 1
    with pytest.raises(InvalidModelNameError):
        store.copy(SHOP, ModelRef("b"))


def test_what_is_held_is_neither_removed_nor_collected(store: Store) -> None:
    add(store, SHOP, b"abc")
    with store.hold(sha(b"abc")) as path:
        assert store.in_use(sha(b"abc"))
        with pytest.raises(ModelInUseError):
            store.remove(SHOP)
        next(store.manifest_folder.glob("*")).unlink()
        assert collect(store).removed == ()
        assert path.read_bytes() == b"abc"
    assert not store.in_use(sha(b"abc"))
    assert collect(store).size_bytes == 3
    assert files(store.root / "leases") == []


def test_a_model_is_held_by_its_path_and_other_files_need_no_hold(
    store: Store, tmp_path: Path
) -> None:
    add(store, SHOP, b"abc")
    with store.hold_path(store.blob(sha(b"abc"))):
        assert store.in_use(sha(b"abc"))
    with store.hold_path(tmp_path / "elsewhere.gguf"):
        assert files(store.root / "leases") == [sha(b"abc")[7:]]


def test_an_error_of_the_holder_stays_what_it_was(store: Store) -> None:
    add(store, SHOP, b"abc")
    with pytest.raises(ConnectionResetError), store.hold(sha(b"abc")):
        raise ConnectionResetError


def test_what_is_not_there_cannot_be_held(store: Store) -> None:
    with pytest.raises(ModelNotFoundError), store.hold(sha(b"abc")):
        pass


def test_between_adopting_and_naming_a_file_is_not_collected(store: Store) -> None:
    store.adopt(part(store, b"abc"), sha(b"abc"))
    assert collect(Store(store.root)).removed == ()
    store.put(manifest(SHOP, b"abc"))
    assert not store.in_use(sha(b"abc"))


def test_while_a_manifest_cannot_be_read_no_file_goes(store: Store) -> None:
    add(store, SHOP, b"abc")
    next(store.manifest_folder.glob("*")).write_text("{")
    assert collect(store).damaged
    assert collect_blobs(store, {sha(b"abc")}).removed == ()
    assert store.has(sha(b"abc"))
    assert len(set_aside_manifests(store)) == 1
    assert collect(store).size_bytes == 3


def test_a_dry_run_says_the_same_and_removes_nothing(store: Store) -> None:
    add(store, SHOP, b"abc")
    store.remove(SHOP)
    old_part(store, "k")
    before = sorted(store.root.rglob("*"))
    taken = 512 * sum(file.stat().st_blocks for file in store.parts.iterdir())
    said = collect(store, dry_run=True)
    assert sorted(store.root.rglob("*")) == before
    assert collect(store) == said
    assert said.size_bytes == 3 + taken


def old_part(store: Store, key: str) -> None:
    store.parts.mkdir(parents=True, exist_ok=True)
    for name in (key, f"{key}.json", f"{key}.lock"):
        (store.parts / name).write_bytes(b"" if name.endswith("lock") else b"x")
        then = time.time() - OLD_S - 60
        os.utime(store.parts / name, (then, then))


def test_old_parts_go_unless_somebody_fetches_them(store: Store) -> None:
    for key in ("left", "busy", "new"):
        old_part(store, key)
    os.utime(store.parts / "new")
    lock = try_lock(store.parts / "busy.lock")
    assert lock is not None
    with held(lock):
        assert [one.name for one in collect(store).removed] == ["left"]
    assert {name.partition(".")[0] for name in files(store.parts)} == {"busy", "new"}


def vanishes(monkeypatch: pytest.MonkeyPatch, *files: Path) -> None:
    """Whoever looks at one of `files` finds that it has gone since it was listed."""
    for step in ("stat", "lstat"):
        real = getattr(Path, step)

        def look(self: Path, real: Any = real, **how: Any) -> Any:
            if self in files:
                self.unlink(missing_ok=True)
            return real(self, **how)

        monkeypatch.setattr(Path, step, look)


@pytest.mark.parametrize("gone", [["k"], ["k.json"], ["k", "k.json", "k.lock"]])
def test_a_pull_that_ends_meanwhile_is_no_error_of_a_collection(
    store: Store, monkeypatch: pytest.MonkeyPatch, gone: list[str]
) -> None:
    old_part(store, "k")
    store.quarantine.mkdir()
    (store.quarantine / "x").write_bytes(b"x")
    vanishes(monkeypatch, *(store.parts / name for name in gone), store.quarantine / "x")
    removed = collect(store, clock=lambda: 4e9).removed
    assert [one.name for one in removed] == (["k"] if len(gone) < 3 else [])
    assert files(store.parts) == []


def test_a_file_that_is_collected_meanwhile_is_no_finding(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for data in (b"abc", b"other"):
        store.adopt(part(store, data), sha(data))
    listed = choose_all(store)
    vanishes(monkeypatch, store.blob(sha(b"abc")))
    assert choose_all(store) == {sha(b"other"): 5}
    done = verify(store, listed)
    assert (done.files, done.findings) == (1, ())


def test_a_store_that_cannot_be_listed_is_an_error_of_ours(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, SHOP, b"abc")

    def broken(self: Path, **_: Any) -> Any:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(Path, "stat", broken)
    with pytest.raises(HomeError):
        choose_all(store)


def test_nobody_can_begin_to_hold_what_is_being_removed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.adopt(part(store, b"abc"), sha(b"abc"))
    store._let_go(sha(b"abc"))
    real, lease, asked = Path.unlink, store.lease_file(sha(b"abc")), list[int | None]()

    def unlink(self: Path, **how: Any) -> None:
        if self == store.blob(sha(b"abc")):
            asked.append(try_lock(lease, shared=True))
        real(self, **how)

    monkeypatch.setattr(Path, "unlink", unlink)
    assert collect(store).size_bytes == 3
    assert asked == [None]


def test_a_file_that_changed_is_set_aside_and_its_names_are_told(store: Store) -> None:
    add(store, SHOP, b"abc", b"good")
    store.copy(SHOP, ModelRef("b"))
    store.blob(sha(b"abc")).write_bytes(b"abd")
    done = verify(store, choose(store, ()))
    (finding,) = done.findings
    assert (finding.state, finding.digest) == ("differs", sha(b"abc"))
    assert finding.names == ("b", "shop")
    assert (done.files, done.bytes_read) == (2, 7)
    assert files(store.quarantine) == [store.blob(sha(b"abc")).name]
    assert verify(store, choose(store, [SHOP])).findings[0].state == "missing"


def test_a_good_file_that_came_meanwhile_is_not_set_aside(store: Store) -> None:
    add(store, SHOP, b"abc")
    store.blob(sha(b"abc")).write_bytes(b"abd")
    fresh = part(store, b"abc")
    replaced = []

    def told(digest: str, count: int) -> None:
        if not replaced:
            replaced.append(store.adopt(fresh, digest))

    verify(store, [sha(b"abc")], told)
    assert store.blob(sha(b"abc")).read_bytes() == b"abc"
    assert files(store.quarantine) == []


def test_all_means_files_that_no_name_pins_too(store: Store) -> None:
    add(store, SHOP, b"abc")
    store.remove(SHOP)
    assert choose(store, ()) == {}
    assert choose_all(store) == {sha(b"abc"): 3}


def test_shared_files_count_once(store: Store) -> None:
    add(store, SHOP, b"abc", b"own")
    add(store, ModelRef("b"), b"abc")
    found = usage(store)
    assert found.models == {"shop": (6, 3), "b": (3, 0)}
    assert (found.blobs_bytes, found.shared_bytes, found.unnamed_bytes) == (6, 3, 0)
    assert found.free_bytes > 0


@pytest.mark.parametrize("step", ["fsync", "replace", "mkstemp"])
def test_a_full_disk_is_named_and_leaves_the_store_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = add(store, SHOP, b"abc")
    store.adopt(part(store, b"new"), sha(b"new"))

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "no space")

    owner: Any = {"fsync": os, "replace": Path, "mkstemp": tempfile}[step]
    with monkeypatch.context() as patched:
        patched.setattr(owner, step, full)
        with pytest.raises(DiskFullError):
            store.put(manifest(SHOP, b"new"))
    assert store.manifests() == (before,)
    assert files(store.manifest_folder) == [store._manifest_file(SHOP).name]


def test_a_full_disk_while_adopting_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    file = part(store, b"new")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError):
        store.adopt(file, sha(b"new"))
    assert not store.has(sha(b"new"))
    assert file.exists()  # what was fetched is kept


def test_what_a_dead_writer_left_is_cleared(store: Store) -> None:
    add(store, SHOP, b"abc")
    (store.manifest_folder / ".aside-x").write_text("half")
    assert len(store.manifests()) == 1
    collect(store)
    assert len(files(store.manifest_folder)) == 1


REFS = [ModelRef("a"), ModelRef("A"), ModelRef("b", "v2")]
DATA = [b"one", b"two", b"three"]
steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"), st.sampled_from(REFS), st.sets(st.sampled_from(DATA), min_size=1)
        ),
        st.tuples(st.just("cp"), st.sampled_from(REFS), st.sampled_from(REFS)),
        st.tuples(st.just("rm"), st.sampled_from(REFS), st.none()),
        st.tuples(st.just("rm+"), st.sampled_from(REFS), st.none()),
        st.tuples(st.just("gc"), st.none(), st.none()),
        st.tuples(st.just("lost"), st.none(), st.sampled_from(DATA)),
    ),
    max_size=12,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(steps)
def test_after_any_steps_every_listed_name_has_its_files(taken: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for verb, ref, value in taken:
            try:
                step(store, verb, ref, value)
            except (ModelNotFoundError, InvalidModelNameError):
                continue
            for one in store.manifests():
                for layer in one.layers:
                    assert hashlib.sha256(store.blob(layer.digest).read_bytes()).hexdigest() == (
                        layer.digest.removeprefix("sha256:")
                    )
        collect(store)
        named = {layer.digest for one in store.manifests() for layer in one.layers}
        assert set(choose_all(store)) == named


def step(store: Store, verb: str, ref: Any, value: Any) -> None:
    if verb == "put":
        add(store, ref, *sorted(value))
    elif verb == "cp":
        store.copy(ref, value)
    elif verb == "lost":  # a download that ended between adopting and naming
        other = Store(store.root)
        other.adopt(part(store, value), sha(value))
        other._let_go(sha(value))
    elif verb == "gc":
        collect(store)
    else:
        removed = store.remove(ref)
        if verb == "rm+":
            collect_blobs(store, {layer.digest for layer in removed.layers})


def test_a_manifest_is_plain_json_without_paths(store: Store) -> None:
    add(store, SHOP, b"abc")
    (file,) = store.manifest_folder.glob("*")
    assert json.loads(file.read_text())["name"] == "shop"
    assert issubclass(StoreDamagedError, StokerError)
