"""A name made from a source is one that a person would have given, and always a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import InvalidSourceError
from stoker.core.model import ModelRef
from stoker.models.sources.base import Offer, Offered, quantization_of
from stoker.models.sources.naming import default_name
from stoker.models.sources.reference import parse_reference


def named(reference: str, file: str) -> str:
    offered = Offered(file, 1, None, quantization=quantization_of(file))
    return str(default_name(parse_reference(reference), Offer("s", (offered,))))


@pytest.mark.parametrize(
    ("reference", "file", "name"),
    [
        ("./x", "Qwen2.5-0.5B-Instruct-Q4_K_M.gguf", "qwen2.5-0.5b-instruct:q4_k_m"),
        ("./x", "shop.gguf", "shop"),
        ("./x", "d/m.q8_0.gguf", "m:q8_0"),
        ("./x", "m-F16-00001-of-00002.gguf", "m:f16"),
        ("./x", "Q8_0.gguf", "model:q8_0"),
        ("./x", "a..b \u00e9.GGUF", "a-b"),
        ("https://h/m.gguf", "m.gguf", "m"),
        ("hf:Org/Some-Model-GGUF:Q4_0", "deep/some-Q4_0.gguf", "some-model:q4_0"),
        ("hf:Org/plain", "model.gguf", "plain"),
        ("ollama:llama3.2:1b", "model", "llama3.2:1b"),
        ("ollama:someone/thing", "model", "thing"),
        ("oci:host:5000/a/b:v1", "m.gguf", "b:v1"),
    ],
)
def test_a_name_is_made_from_where_it_comes_from(reference: str, file: str, name: str) -> None:
    assert named(reference, file) == name


@given(st.text(min_size=1, max_size=300))
def test_it_is_always_a_name(text: str) -> None:
    ref = default_name(parse_reference("./x"), Offer("s", (Offered(text, 1, None),)))
    assert ModelRef.parse(f"{ref.name}:{ref.tag}") == ref


@given(st.from_regex(r"(hf:[a-z]+/[A-Za-z0-9._-]+|ollama:[A-Za-z0-9._:-]+)", fullmatch=True))
def test_it_is_always_a_name_for_registries_too(text: str) -> None:
    try:
        reference = parse_reference(text)
    except InvalidSourceError:
        return
    ref = default_name(reference, Offer("s", (Offered("m.gguf", 1, None),)))
    assert ModelRef.parse(f"{ref.name}:{ref.tag}") == ref
