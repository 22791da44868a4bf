"""What a name would mean from now on, beside what it means now. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stoker.core.model import ModelFacts, ModelRef
from stoker.models.storing.manifest import Manifest

# Those that decide whether a model still does the same job, in the order in which they are shown.
TOLD = (
    "architecture",
    "parameters",
    "quantization",
    "context_length",
    "vocabulary",
    "chat_template_digest",
    "licence",
)


@dataclass(frozen=True, slots=True)
class State:
    """What a name means: its files' digests (None where not known yet), bytes and facts."""

    digests: tuple[str | None, ...]
    size_bytes: int | None
    source: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One name, before and after."""

    ref: ModelRef
    old: State
    new: State

    @property
    def differing(self) -> dict[str, tuple[Any, Any]]:
        """The facts that differ, old and new; nothing where the new ones are not known."""
        if not self.new.facts:
            return {}
        pairs = {key: (self.old.facts.get(key), self.new.facts.get(key)) for key in TOLD}
        return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def state_of(manifest: Manifest) -> State:
    """What a stored name means now."""
    digests = tuple(layer.digest for layer in manifest.layers)
    return State(digests, manifest.size_bytes, manifest.source, manifest.facts)


def facts_document(facts: ModelFacts | None) -> dict[str, Any]:
    """Facts as JSON holds them; nothing where there are none."""
    document: dict[str, Any] = {} if facts is None else json.loads(json.dumps(asdict(facts)))
    return document
