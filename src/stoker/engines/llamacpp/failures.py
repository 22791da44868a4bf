"""What the engine's words mean: its last lines on standard error, and its HTTP refusals.

Pure: text in, one of our errors out. It starts nothing and reads no file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stoker.core.errors import (
    CannotEmbedError,
    ContextOverflowError,
    EngineError,
    InvalidRequestError,
    LoadFailedError,
    ModelFileEmptyError,
    ModelFileGarbageError,
    ModelFileMissingError,
    ModelFileTruncatedError,
    NotEnoughMemoryError,
    StokerError,
    UnsupportedArchitectureError,
    VocabularyOnlyError,
)

_WORDS_LIMIT = 300
_STAMP = re.compile(r"^[\d.]+\s+([A-Z])\s+")
_TOO_LARGE = re.compile(r"input \((\d+) tokens\) is too large to process(?:.*size: (\d+))?")
# Lines by which the engine says that it failed, and not why.
_EMPTY_WORDS = re.compile(
    r"failed to load model$|failed to load model,? '|exiting due to|failed to load model from"
    r"|cleaning up before exit|Failed to init server|^Traceback|^\s+File |^\s*\^+\s*$"
    r"|failed to create context with model"
)


def _named(error: Callable[[str], StokerError], what: str) -> Callable[[Path, str], StokerError]:
    return lambda path, words: error(f"{path.name}: {what} ({words})")


# In order: a line is read as the first kind that knows it.
_KNOWN: tuple[tuple[re.Pattern[str], Callable[[Path, str], StokerError]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), _named(error, what))
    for pattern, error, what in (
        (
            r"unknown (model|projector)? ?architecture",
            UnsupportedArchitectureError,
            "the engine does not know this architecture",
        ),
        (
            r"vocab(ulary)?[- ]only|n_tensors *= *0\b|tensor 'token_embd[^']*' not found",
            VocabularyOnlyError,
            "the file holds no weights",
        ),
        (
            r"No such file|failed to open|Permission denied",
            ModelFileMissingError,
            "the file cannot be read",
        ),
        (
            (
                r"not within the file bounds|corrupted or incomplete|unexpected(ly)? (end|reached)"
                r"|failed to read (tensor|key|data|\d)|read error"
            ),
            ModelFileTruncatedError,
            "the file ends before its data does",
        ),
        (r"failed to read magic", ModelFileEmptyError, "the file is empty"),
        (
            (
                r"bad_alloc|out of memory|cannot allocate|unable to allocate|failed to allocate"
                r"|alloc_tensor_range|failed to (create|initialize) .*(buffer|cache)|mmap failed"
            ),
            NotEnoughMemoryError,
            "not enough memory to load it",
        ),
        (
            (
                r"invalid magic|bad magic|gguf_init|invalid (type|tensor|gguf)|unsupported version"
                r"|duplicate(d)? (key|tensor)|key not found|wrong type|wrong shape"
                r"|tensor '[^']*' not found"
            ),
            ModelFileGarbageError,
            "not a valid model file",
        ),
    )
)


def explain_load(path: Path, stderr_tail: Sequence[str]) -> StokerError:
    """Our error for a load of `path` that failed, from the engine's last lines."""
    words = [said for line in stderr_tail if (said := _meaning(line))]
    for said in words:
        for pattern, make in _KNOWN:
            if pattern.search(said):
                return make(path, said[:_WORDS_LIMIT])
    if not words:
        return LoadFailedError(f"{path.name}: the engine ended without a word")
    return LoadFailedError(f"{path.name}: {words[-1][:_WORDS_LIMIT]}")


def _meaning(line: str) -> str:
    """What `line` says of a failure; empty if it says nothing."""
    stamp = _STAMP.match(line)
    if stamp is not None and stamp[1] != "E":
        return ""
    said = line[stamp.end() :].strip() if stamp else line.strip()
    return "" if _EMPTY_WORDS.search(said) else said


def explain_refusal(status: int, body: bytes) -> StokerError:
    """Our error for an HTTP answer of the engine that is not 200."""
    error = _error_object(body)
    message = str(error.get("message") or f"the engine answered {status}")[:_WORDS_LIMIT]
    if error.get("type") == "exceed_context_size_error":
        return _overflow(error, message)
    if (match := _TOO_LARGE.search(message)) is not None:
        return _too_long(match)
    if "does not support embeddings" in message or "is not OAI compatible" in message:
        return CannotEmbedError()
    if status == 400:
        return InvalidRequestError(message)
    return EngineError(f"{message} (status {status})")


def _too_long(match: re.Match[str]) -> ContextOverflowError:
    """An embedding model reads each text in one step, which holds its whole context."""
    holds = f"; the model reads {match[2]} at once" if match[2] else ""
    return ContextOverflowError(
        f"A text has {match[1]} tokens{holds}", hint="split it into shorter texts."
    )


def _error_object(body: bytes) -> dict[str, Any]:
    try:
        error = json.loads(body).get("error")
    except (ValueError, AttributeError, RecursionError):
        return {}
    return error if isinstance(error, dict) else {}


def _overflow(error: dict[str, Any], message: str) -> ContextOverflowError:
    asked, room = error.get("n_prompt_tokens"), error.get("n_ctx")
    if not isinstance(asked, int) or not isinstance(room, int):
        return ContextOverflowError(message)
    return ContextOverflowError(f"The prompt has {asked} tokens; the model's context holds {room}")
