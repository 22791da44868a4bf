"""The manifest's document: what is written is read back; what is odd is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import SourceUnsafeError, StoreDamagedError
from stoker.core.model import ModelRef
from stoker.models.storing.manifest import KINDS, LAYERS_MAX, Layer, Manifest, is_digest

DIGEST = "sha256:" + "ab" * 32
GOOD = Manifest(
    ModelRef("shop", "v2"), "hf:a/b", (Layer(DIGEST, 3, "model", "a.gguf"),), 7, {"layers": 2}
)
layers = st.builds(
    Layer,
    st.binary(min_size=32, max_size=32).map(lambda raw: f"sha256:{raw.hex()}"),
    st.integers(0, 1 << 50),
    st.sampled_from(sorted(KINDS)),
    st.from_regex(r"[A-Za-z0-9 ._-]{1,40}", fullmatch=True),
    st.sampled_from(["", '"an-etag"', "Mon, 01 Jan 2024 00:00:00 GMT"]),
)


@given(st.lists(layers, min_size=1, max_size=LAYERS_MAX), st.integers(0, 1 << 40))
def test_what_is_written_is_read_back(found: list[Layer], when_s: int) -> None:
    manifest = Manifest(ModelRef("A.b", "v_1"), "x", tuple(found), when_s, {"name": "Ä"})
    assert Manifest.from_json(manifest.to_json()) == manifest


@given(st.binary(max_size=400))
def test_any_other_bytes_are_refused_as_damaged(data: bytes) -> None:
    with pytest.raises(StoreDamagedError):
        Manifest.from_json(data)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": True},
        {"more": 1},
        {"name": "../up"},
        {"name": "a/b"},
        {"name": 3},
        {"tag": ""},
        {"source": "a\nb"},
        {"source": "x" * 3000},
        {"fetched_unix_s": -1},
        {"fetched_unix_s": 1.5},
        {"facts": []},
        {"layers": []},
        {"layers": [json.loads(GOOD.to_json())["layers"][0]] * (LAYERS_MAX + 1)},
        {"layers": ["x"]},
    ],
)
def test_a_field_that_is_off_is_refused(change: dict[str, Any]) -> None:
    document = {**json.loads(GOOD.to_json()), **change}
    with pytest.raises(StoreDamagedError):
        Manifest.from_json(json.dumps(document).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "sha256:../../etc/passwd"},
        {"digest": "sha256:" + "AB" * 32},
        {"digest": DIGEST + "\n"},
        {"digest": None},
        {"size_bytes": -1},
        {"size_bytes": True},
        {"kind": "virus"},
        {"kind": []},
        {"name": "../a"},
        {"name": "a\\b"},
        {"name": "a\0"},
        {"name": "x" * 4096},
        {"path": "/etc"},
        {"state": "x" * 257},
        {"state": None},
        {"state": "a\n"},
    ],
)
def test_a_layer_that_is_off_is_refused(change: dict[str, Any]) -> None:
    document = json.loads(GOOD.to_json())
    document["layers"][0].update(change)
    with pytest.raises(StoreDamagedError):
        Manifest.from_json(json.dumps(document).encode())


def test_a_layer_whose_state_is_not_known_is_written_as_before_there_was_one() -> None:
    (layer,) = json.loads(GOOD.to_json())["layers"]
    assert layer.keys() == {"digest", "size_bytes", "kind", "name"}


def test_a_missing_field_is_refused() -> None:
    document = json.loads(GOOD.to_json())
    del document["facts"]
    with pytest.raises(StoreDamagedError):
        Manifest.from_json(json.dumps(document).encode())


def test_what_could_not_be_read_back_is_not_written() -> None:
    odd = Manifest(GOOD.ref, "x", (Layer("sha256:..", 1, "model", "a"),), 1, {})
    with pytest.raises(SourceUnsafeError):
        odd.to_json()
    with pytest.raises(SourceUnsafeError):
        Manifest(GOOD.ref, "x", GOOD.layers, 1, {"blob": "x" * 300_000}).to_json()


def test_a_digest_counts_once_in_the_size() -> None:
    twice = Manifest(GOOD.ref, "x", (*GOOD.layers, *GOOD.layers), 1, {})
    assert twice.size_bytes == 3


def test_only_a_whole_lower_case_digest_is_one() -> None:
    assert is_digest(DIGEST)
    assert not any(map(is_digest, (DIGEST[:-1], DIGEST.upper(), f" {DIGEST}", b"x", "md5:00")))
