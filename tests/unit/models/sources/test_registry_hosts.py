"""Which server a reference asks, and how: seen through a client that only takes notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from stoker.core.errors import SourceMissingError
from stoker.models.sources.reference import RegistryReference, parse_reference
from stoker.models.sources.registry import RegistrySource


@dataclass
class Notes:
    """Finds nothing, anywhere."""

    asked: list[str] = field(default_factory=list)
    status: int = 404
    headers: Mapping[str, str] = field(default_factory=dict)

    async def request(self, method: str, url: str, **_: Any) -> Notes:
        self.asked.append(url)
        return self


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("ollama:m:1b", "https://registry.ollama.ai/v2/library/m/manifests/1b"),
        ("ollama:u/m", "https://registry.ollama.ai/v2/u/m/manifests/latest"),
        ("oci:h.example:5000/a/b:t", "https://h.example:5000/v2/a/b/manifests/t"),
        ("oci:docker.io/ai/m:t", "https://registry-1.docker.io/v2/ai/m/manifests/t"),
        ("oci:docker.io/m", "https://registry-1.docker.io/v2/library/m/manifests/latest"),
        ("oci:localhost/m", "http://localhost/v2/m/manifests/latest"),
        ("oci:127.1.2.3:5000/m", "http://127.1.2.3:5000/v2/m/manifests/latest"),
        ("oci:[::1]:5000/m", "http://[::1]:5000/v2/m/manifests/latest"),
        ("oci:localhost.example/m", "https://localhost.example/v2/m/manifests/latest"),
        ("oci:10.0.0.1/m", "https://10.0.0.1/v2/m/manifests/latest"),
    ],
)
async def test_this_machine_is_asked_in_the_clear_and_nobody_else(text: str, url: str) -> None:
    reference = parse_reference(text)
    assert isinstance(reference, RegistryReference)
    notes = Notes()
    with pytest.raises(SourceMissingError):
        await RegistrySource(reference).resolve(notes)  # type: ignore[arg-type]
    assert set(notes.asked) == {url}
