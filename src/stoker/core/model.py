"""What one model is: its name, and the facts that its file's header states."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from stoker.core.errors import InvalidModelNameError
from stoker.core.layout import Layout
from stoker.core.weights import WeightUse

NAME_LENGTH_MAX = 96
_NAME = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{NAME_LENGTH_MAX - 1}}}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class ModelRef:
    """A model's name as clients write it: `name:tag`, the tag `latest` when it is not given."""

    name: str
    tag: str = "latest"

    @classmethod
    def parse(cls, text: str) -> ModelRef:
        """The reference that `text` writes.

        Raises:
            InvalidModelNameError: not of the form `name` or `name:tag` with letters, digits,
                dots, dashes and underscores; a path is never a name.
        """
        name, colon, tag = text.partition(":")
        parts = (name, tag) if colon else (name,)
        if any(_NAME.fullmatch(part) is None or ".." in part for part in parts):
            raise InvalidModelNameError(f"{text[:NAME_LENGTH_MAX]!r} is not a model name")
        return cls(name, tag) if colon else cls(name)

    def __str__(self) -> str:
        return self.name if self.tag == "latest" else f"{self.name}:{self.tag}"


class Task(StrEnum):
    """What a model is made for."""

    GENERATE = "generate"
    EMBED = "embed"


class AttentionKind(StrEnum):
    """How one layer looks back, as far as it decides what the engine keeps for each token."""

    FULL = "full"  # every head has keys and values of its own
    GROUPED = "grouped"  # heads share keys and values
    LATENT = "latent"  # one compressed vector for all heads
    WINDOWED = "windowed"  # the last tokens only
    RECURRENT = "recurrent"  # a state of fixed size
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model file's header states; sizes in bytes, counts as written.

    `quantization` is the name of the type that holds most of the weights' bytes.
    `digest` is `sha256:` and 64 hexadecimal digits, or None until somebody hashed the file.
    `attention` and `kv_heads` have one entry for each layer; `window` is in tokens, 0 for none;
    `heads` is the most that a layer has; a head's lengths are in elements. What a header leaves
    open is 0 or empty. Not `causal` is a model whose tokens look at the whole text, those behind
    them too. `container` is `gguf` or `safetensors`. `layout` is for formulas of memory,
    `uses` for those of speed.
    """

    architecture: str
    parameters: int
    quantization: str
    file_bytes: int
    context_length: int
    layers: int
    embedding_length: int
    vocabulary: int
    task: Task
    chat_template: bool
    name: str = ""
    licence: str = ""
    digest: str | None = None
    parameters_active: int = 0
    attention: tuple[AttentionKind, ...] = ()
    window: int = 0
    experts: int = 0
    experts_used: int = 0
    heads: int = 0
    kv_heads: tuple[int, ...] = ()
    head_length_k: int = 0
    head_length_v: int = 0
    tokenizer: str = ""
    tokenizer_pre: str = ""
    chat_template_digest: str | None = None
    weight_bytes: tuple[tuple[str, int], ...] = ()
    container: str = "gguf"
    parts: int = 1
    big_endian: bool = False
    layout: Layout = field(default_factory=Layout)
    uses: tuple[WeightUse, ...] = ()
    causal: bool = True

    @property
    def bits_per_weight(self) -> float:
        """The bits that one parameter takes on average, 0.0 where that is not known."""
        bits = 8 * sum(size for _, size in self.weight_bytes)
        return bits / self.parameters if self.parameters else 0.0


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that lies on this machine: its reference, its file and the file's facts.

    `digests` are those of all its files in their order, `facts.digest` the first of them; empty
    where nobody has hashed them all.
    """

    ref: ModelRef
    path: Path
    facts: ModelFacts
    digests: tuple[str, ...] = ()
