"""Full logits of a text, the parent's side: how to start the child and how to read its header.

The text goes through the model once, each scored token given the tokens before it (teacher
forcing). The process belongs to whoever starts it; what comes after the header is raw float32,
`vocabulary` numbers for each target, in the order of the targets.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from stoker.core.errors import EngineError, InvalidRequestError, LoadFailedError, StokerError
from stoker.engines.base import Launch
from stoker.models.gguf_parts import paths_of

HEADER = "stoker:logits "
TEXT_BYTES_MAX = 256 * 1024
TOKENS_MAX = 65_536
_CHILD = "stoker.engines.llamacpp.logits_child"
_ERRORS: dict[str, type[StokerError]] = {
    "load": LoadFailedError,
    "text": InvalidRequestError,
    "engine": EngineError,
}


@dataclass(frozen=True, slots=True)
class LogitsHeader:
    """What the child says first.

    `vocabulary` is the number of tokens, `digest` stands for their texts in order, `targets` are
    the scored tokens: row `i` of the logits predicts `targets[i]`.
    """

    vocabulary: int
    digest: str
    targets: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of float32 logits."""
        return 4 * self.vocabulary


def launch_logits(path: Path, text: str, *, threads: int, tokens_max: int) -> Launch:
    """The child that reads `text` with the model at `path`; it may read its files and no others.

    Raises:
        InvalidRequestError: the text is too long, or so many tokens may not be asked for.
    """
    if len(text.encode()) > TEXT_BYTES_MAX:
        raise InvalidRequestError(f"The text is longer than {TEXT_BYTES_MAX} bytes")
    if not 1 <= tokens_max <= TOKENS_MAX or threads < 1:
        raise InvalidRequestError(f"From 1 to {TOKENS_MAX} tokens can be scored, by 1 thread on")
    model = str(path.absolute())
    spec = {"model": model, "text": text, "threads": threads, "tokens_max": tokens_max}
    return Launch(_CHILD, spec, paths_of(path), {"GGML_NO_BACKTRACE": "1"})


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
    return LogitsHeader(fields["vocabulary"], fields["digest"], tuple(fields["targets"]))
