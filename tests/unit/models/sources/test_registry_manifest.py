"""Whatever a registry sends is a manifest within bounds, or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import InvalidSourceError, SeveralFilesError, SourceUnsafeError
from stoker.models.sources.checks import SIZE_MAX_BYTES
from stoker.models.sources.registry_layers import files_of
from stoker.models.sources.registry_manifest import Image, Index, read_manifest
from stoker.models.storing.manifest import LAYERS_MAX, is_digest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
DIGESTS = st.sampled_from(["sha256:" + "a" * 64, "sha256:" + "b" * 64]) | JSON
SIZES = st.integers(-2, 1 << 51) | JSON
TYPES = st.sampled_from(
    [
        "application/vnd.docker.ai.gguf.v3",
        "application/vnd.ollama.image.model",
        "application/vnd.ollama.image.template",
        "application/octet-stream",
    ]
)
TITLES = st.fixed_dictionaries(
    {"org.opencontainers.image.title": st.sampled_from(["m.gguf", "../m.gguf", "a/b.gguf"]) | JSON}
)
LAYER = st.fixed_dictionaries(
    {"mediaType": TYPES | JSON, "digest": DIGESTS, "size": SIZES},
    optional={"annotations": TITLES | JSON},
)
MANIFEST = st.fixed_dictionaries(
    {"schemaVersion": st.just(2) | JSON},
    optional={
        "layers": st.lists(LAYER, max_size=4) | JSON,
        "manifests": st.lists(LAYER, max_size=4) | JSON,
        "config": LAYER,
        "mediaType": JSON,
    },
)


def check(data: bytes) -> None:
    try:
        found = read_manifest(data, "it")
    except SourceUnsafeError:
        return
    if isinstance(found, Index):
        assert all(is_digest(entry.digest) for entry in found.entries)
        return
    assert len(found.layers) <= LAYERS_MAX
    check_files(found)


def check_files(image: Image) -> None:
    try:
        files, notes = files_of(image, "m-t", "it")
    except (InvalidSourceError, SeveralFilesError, SourceUnsafeError):
        return
    assert all(note.isprintable() for note in notes)
    for file in files:
        assert is_digest(file.digest)
        assert file.size_bytes is not None
        assert 0 <= file.size_bytes <= SIZE_MAX_BYTES
        assert ".." not in file.name.split("/")
        assert not file.name.startswith("/")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    check(data)


@pytest.mark.slow
@given(MANIFEST)
def test_anything_like_a_manifest_is_read_within_bounds_or_refused(document: Any) -> None:
    check(json.dumps(document).encode("utf-8", "replace"))


@pytest.mark.parametrize(
    ("media_type", "said"),
    [
        ("application/vnd.ollama.image.messages", True),
        ("application/vnd.ollama.image.adapter", True),
        ("application/vnd.docker.ai.gguf.v3.lora", True),
        ("application/x-something", True),
        ("application/vnd.oci.empty.v1+json", False),
        ("application/vnd.cncf.model.doc.v1.raw", False),
        ("application/vnd.cncf.model.weight.config.v1.raw", False),
    ],
)
def test_what_is_left_out_is_named_unless_a_model_runs_the_same_without(
    media_type: str, said: bool
) -> None:
    model = {"mediaType": "application/vnd.docker.ai.gguf.v3", "digest": "sha256:" + "a" * 64}
    other = {"mediaType": media_type, "digest": "sha256:" + "b" * 64}
    layers = [{**layer, "size": 5} for layer in (model, other)]
    found = read_manifest(json.dumps({"schemaVersion": 2, "layers": layers}).encode(), "it")
    assert isinstance(found, Image)
    files, notes = files_of(found, "m", "it")
    assert len(files) == 1
    assert notes == ((f"left out: {media_type} (5 B)",) if said else ())
