"""Full logits of a text, the parent's side: how to start the child and how to read its header.

The text goes through the model once, each scored token given the tokens before it (teacher
forcing). The process belongs to whoever starts it; what comes after the header is raw float32,
`vocabulary` numbers for each target, in the order of the targets.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from stoker.core.errors import (
    EngineError,
    InvalidRequestError,
    LoadFailedError,
    StokerError,
    TextTooShortError,
)
from stoker.engines.base import Launch
from stoker.models.gguf.parts import paths_of

HEADER = "stoker:logits "
TEXT_BYTES_MAX = 512 * 1024
TOKENS_MAX = 65_536
_CHILD = "stoker.engines.llamacpp.logits_child"
_ERRORS: dict[str, type[StokerError]] = {
    "load": LoadFailedError,
    "short": TextTooShortError,
    "text": InvalidRequestError,
    "engine": EngineError,
}


@dataclass(frozen=True, slots=True)
class Passage:
    """A text of its own, of which only a part is scored: an answer, say, to a rendered prompt.

    In `given` special tokens may be written out, in `scored` not. `closed` adds the model's own
    end of a turn to what is scored: when to stop is part of an answer.
    """

    given: str
    scored: str
    closed: bool = False


@dataclass(frozen=True, slots=True)
class LogitsHeader:
    """What the child says first.

    `vocabulary` is the number of tokens, `digest` stands for their texts in order, `targets` are
    the scored tokens: row `i` of the logits predicts `targets[i]`. `counts` says how many of them
    each passage has, 0 where it was longer than the model's context. `text_tokens` and
    `text_bytes` are the whole text's (of passages, what is scored of them): they tell what a token
    is worth.
    """

    vocabulary: int
    digest: str
    targets: tuple[int, ...]
    counts: tuple[int, ...]
    text_tokens: int
    text_bytes: int

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of float32 logits."""
        return 4 * self.vocabulary


def launch_logits(
    path: Path, text: str | Sequence[Passage], *, threads: int, tokens_max: int
) -> Launch:
    """The child that reads `text` with the model at `path`; it may read its files and no others.

    At most `tokens_max` tokens are scored; of passages, whole ones.

    Raises:
        InvalidRequestError: the text is too long, or so many tokens may not be asked for.
    """
    if size_bytes(text) > TEXT_BYTES_MAX:
        raise InvalidRequestError(f"The text is longer than {TEXT_BYTES_MAX} bytes")
    if not 1 <= tokens_max <= TOKENS_MAX or threads < 1:
        raise InvalidRequestError(f"From 1 to {TOKENS_MAX} tokens can be scored, by 1 thread on")
    spec: dict[str, Any] = {
        "model": str(path.absolute()),
        "threads": threads,
        "tokens_max": tokens_max,
        "text": text if isinstance(text, str) else [astuple(one) for one in text],
    }
    return Launch(_CHILD, spec, paths_of(path), {"GGML_NO_BACKTRACE": "1"})


def size_bytes(text: str | Sequence[Passage]) -> int:
    """The bytes of a text, or of all that passages hold."""
    if isinstance(text, str):
        return len(text.encode())
    return sum(len(one.given.encode()) + len(one.scored.encode()) for one in text)


def read_header(line: str) -> LogitsHeader | None:
    """The header that `line` holds; None if it is something else.

    Raises:
        LoadFailedError, InvalidRequestError, EngineError: the child says why it cannot.
    """
    if not line.startswith(HEADER):
        return None
    fields = json.loads(line.removeprefix(HEADER))
    if "error" in fields:
        raise _ERRORS[fields["kind"]](fields["error"])
    lists = {name: tuple(fields[name]) for name in ("targets", "counts")}
    return LogitsHeader(**{**fields, **lists})
