"""A stored model of several files is laid out for its engine, held whole, and swept when unused."""

from __future__ import annotations

import errno
import hashlib
import shutil
from pathlib import Path

import pytest

from stoker.core.errors import HomeError, ModelFileMissingError
from stoker.core.model import ModelRef
from stoker.models.catalogue import find_model
from stoker.models.facts import read_facts
from stoker.models.gguf.parts import paths_of
from stoker.models.storing.housekeeping import collect
from stoker.models.storing.manifest import Layer, Manifest
from stoker.models.storing.split_models import digests_behind, lay_out, sweep
from stoker.models.storing.store import Store


@pytest.fixture
def store(tmp_path: Path, split_model: Path) -> Store:
    """A store that knows the split model as `split`."""
    made = Store(tmp_path / "models")
    made.parts.mkdir(parents=True)
    layers = []
    for path in paths_of(split_model):
        digest = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        made.adopt(Path(shutil.copy(path, made.parts / path.name)), digest)
        layers.append(Layer(digest, path.stat().st_size, "model", path.name))
    made.put(Manifest(ModelRef("split"), "x", tuple(layers), 1, {}))
    return made


def digests(store: Store) -> list[str]:
    return [layer.digest for layer in store.get(ModelRef("split")).layers]


def test_the_files_of_a_model_follow_from_the_first_ones_name(split_model: Path) -> None:
    paths = paths_of(split_model)
    assert [path.name[2:7] for path in paths] == ["00001", "00002", "00003"]
    assert all(path.exists() for path in paths)
    for name in ("m.gguf", "m-00001-of-00001.gguf", "m-00001-of-99999.gguf", "sha256-ab"):
        assert paths_of(Path("d") / name) == (Path("d") / name,)


def test_it_is_found_with_the_facts_of_all_its_files(store: Store, split_model: Path) -> None:
    found = find_model("split", store)
    assert found.facts.parts == 3
    assert found.facts.parameters == read_facts(split_model).parameters
    assert found.facts.digest == digests(store)[0]
    for link, digest in zip(paths_of(found.path), digests(store), strict=True):
        assert link.resolve() == store.blob(digest).resolve()


def test_the_links_are_relative_so_that_the_store_can_be_moved(store: Store) -> None:
    find_model("split", store)
    moved = Store(store.root.rename(store.root.with_name("elsewhere")))
    assert find_model("split", moved).facts.parts == 3


def test_a_second_look_makes_nothing_new(store: Store) -> None:
    first = find_model("split", store).path
    inode = first.parent.stat().st_ino
    assert find_model("split", store).path == first
    assert first.parent.stat().st_ino == inode
    assert len(list(first.parent.parent.iterdir())) == 1


@pytest.mark.parametrize("lost", [True, False])
def test_who_is_second_takes_what_the_first_one_made(
    store: Store, monkeypatch: pytest.MonkeyPatch, *, lost: bool
) -> None:
    """Another process makes the folder at the last moment; or the disk breaks."""
    real, made = Path.rename, list[Path]()

    def rename(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", real)
        if not lost:
            raise OSError(errno.EIO, "broken")
        made.append(lay_out(store.root, digests(store)))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    if lost:
        assert [lay_out(store.root, digests(store))] == made
        assert made[0].exists()
    else:
        with pytest.raises(HomeError):
            lay_out(store.root, digests(store))
    assert len(list((store.root / "split").iterdir())) == lost


def test_all_files_are_held_while_it_runs(store: Store) -> None:
    path = find_model("split", store).path
    with store.hold_path(path):
        assert all(store.in_use(digest) for digest in digests(store))
        store._manifest_file(ModelRef("split")).unlink()
        assert collect(store).removed == ()
        assert path.exists()
    assert len(collect(store).removed) == 3
    assert not path.parent.exists()


def test_links_that_no_name_needs_are_swept_and_the_others_stay(store: Store) -> None:
    kept = find_model("split", store).path
    stale = lay_out(store.root, digests(store)[::-1])
    (store.root / "split" / ".aside-x").mkdir()
    collect(store, dry_run=True)
    assert stale.parent.exists()
    collect(store)
    assert kept.exists()
    assert [one.name for one in (store.root / "split").iterdir()] == [kept.parent.name]


def test_a_lost_file_is_an_error_of_ours(store: Store) -> None:
    store.blob(digests(store)[1]).unlink()
    with pytest.raises(ModelFileMissingError):
        find_model("split", store)


def test_what_lies_elsewhere_needs_nothing(store: Store, tmp_path: Path) -> None:
    assert digests_behind(store.root, tmp_path / "m.gguf") == ()
    assert digests_behind(store.root, store.blob(digests(store)[0])) == (digests(store)[0],)
    sweep(tmp_path / "nowhere", [])
