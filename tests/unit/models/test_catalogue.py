"""What a person writes becomes a model: the starter, a file, or a name of the store."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.errors import InvalidSourceError, ModelFileMissingError, ModelNotFoundError
from stoker.core.model import ModelRef
from stoker.models.catalogue import find_model, ref_of, starter
from stoker.models.storing.manifest import Layer, Manifest
from stoker.models.storing.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that knows the starter's file as `shop:v2`."""
    made = Store(tmp_path / "models")
    made.parts.mkdir(parents=True)
    file = Path(shutil.copy(starter().path, made.parts / "x"))
    data = file.read_bytes()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    made.adopt(file, digest)
    licence = made.parts / "y"
    licence.write_bytes(b"free")
    free = f"sha256:{hashlib.sha256(b'free').hexdigest()}"
    made.adopt(licence, free)
    layers = (
        Layer(free, 4, "licence", "LICENSE"),
        Layer(digest, len(data), "model", "starter.gguf"),
    )
    made.put(Manifest(ModelRef("shop", "v2"), "x", layers, 1, {}))
    return made


def test_a_stored_name_is_its_blob_with_the_digest_that_the_name_pins(store: Store) -> None:
    found = find_model("shop:v2", store)
    assert found.ref == ModelRef("shop", "v2")
    assert found.facts.digest == f"sha256:{hashlib.sha256(found.path.read_bytes()).hexdigest()}"
    assert found.path == store.blob(found.facts.digest)
    assert found.facts == starter().facts


def test_a_name_that_is_almost_there_is_hinted(store: Store) -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        find_model("shop:v3", store)
    assert "shop:v2" in caught.value.hint
    with pytest.raises(ModelNotFoundError) as caught:
        find_model("startre", store)
    assert "starter" in caught.value.hint


def test_without_a_store_only_the_starter_has_a_name(store: Store) -> None:
    assert find_model("starter").ref == find_model("starter", store).ref
    with pytest.raises(ModelNotFoundError):
        find_model("shop:v2")


def test_a_path_needs_no_store_and_may_be_given_a_name(store: Store) -> None:
    blob = find_model("shop:v2", store).path
    assert find_model(f"mine={blob}", store).ref == ModelRef("mine")
    assert find_model(str(blob)).facts.parameters == starter().facts.parameters


@pytest.mark.parametrize(
    "far",
    ["hf:acme/tiny:Q8_0", "http://host/a.gguf", "https://host/a.gguf?x=1&y=2", "ollama:tiny"],
)
def test_a_source_that_lies_elsewhere_is_to_be_pulled_first(far: str, store: Store) -> None:
    for asked in (None, store):
        with pytest.raises(ModelNotFoundError) as caught:
            find_model(far, asked)
        shown = far.partition("?")[0]  # what signs an address is shown to nobody
        assert caught.value.message == f"{shown} is not here yet"
        assert caught.value.hint == f"stoker pull {shown}"


def test_a_source_that_was_pulled_is_told_by_its_name(store: Store) -> None:
    shop = store.get(ModelRef("shop", "v2"))
    store.put(replace(shop, source=f"hf:acme/tiny:Q8_0#commit={'a' * 40}"))
    with pytest.raises(ModelNotFoundError, match="here it is shop:v2"):
        find_model("hf:acme/tiny:Q8_0", store)


def test_a_source_of_the_wrong_form_is_told_what_is_wrong_with_it(store: Store) -> None:
    with pytest.raises(InvalidSourceError):
        find_model("hf:acme", store)


def test_a_stored_model_whose_file_is_gone_is_to_be_pulled_from_its_source(store: Store) -> None:
    shop = store.get(ModelRef("shop", "v2"))
    store.put(replace(shop, source="/a b/m.gguf"))
    store.blob(shop.model.digest).unlink()
    with pytest.raises(ModelFileMissingError) as caught:
        find_model("shop:v2", store)
    assert caught.value.message == "The file of shop:v2 is missing"
    assert caught.value.hint == "stoker pull shop:v2"


def test_a_file_with_a_long_name_is_served_under_a_shorter_one() -> None:
    assert str(ref_of(Path(f"{'x' * 95}--{'y' * 100}.gguf"))) == "x" * 95
