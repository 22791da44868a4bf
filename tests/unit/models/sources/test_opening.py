"""Each form of a reference is opened by the module of its protocol."""

from __future__ import annotations

import pytest

from stoker.models.sources.opening import source_for
from stoker.models.sources.reference import parse_reference


@pytest.mark.parametrize(
    ("text", "module"),
    [
        ("hf:owner/repo", "hub"),
        ("ollama:m:1b", "registry"),
        ("oci:h.example/m", "registry"),
    ],
)
def test_a_reference_opens_the_source_of_its_protocol(text: str, module: str) -> None:
    assert type(source_for(parse_reference(text))).__module__ == f"stoker.models.sources.{module}"
