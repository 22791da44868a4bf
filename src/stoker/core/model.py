"""What one model is: its name, and the facts that its file's header states."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stoker.core.errors import InvalidModelNameError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,95}", re.IGNORECASE)
_NAME_LIMIT = 96


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
            raise InvalidModelNameError(f"{text[:_NAME_LIMIT]!r} is not a model name")
        return cls(name, tag) if colon else cls(name)

    def __str__(self) -> str:
        return self.name if self.tag == "latest" else f"{self.name}:{self.tag}"


class Task(StrEnum):
    """What a model is made for."""

    GENERATE = "generate"
    EMBED = "embed"


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model file's header states; sizes in bytes, counts as written.

    `quantization` is the name of the type that holds most of the weights' bytes.
    `digest` is `sha256:` and 64 hexadecimal digits, or None until somebody hashed the file.
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


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that lies on this machine: its reference, its file and the file's facts."""

    ref: ModelRef
    path: Path
    facts: ModelFacts
