"""What a request may ask for: one check for every door.

Pure. Bounds are wide: they keep out what no engine can mean, not what is unwise.
"""

from __future__ import annotations

import math

from stoker.core.errors import CannotEmbedError, CannotGenerateError, InvalidRequestError
from stoker.core.model import LocalModel, Task
from stoker.core.request import Kind, Request, Sampling

STOPS_MAX = 16
_RANGES = {
    "temperature": (0.0, 5.0),
    "top_p": (0.0, 1.0),
    "min_p": (0.0, 1.0),
    "top_k": (0, 1 << 20),
    "frequency_penalty": (-2.0, 2.0),
    "presence_penalty": (-2.0, 2.0),
    "repeat_penalty": (0.0, 10.0),
    "seed": (0, (1 << 32) - 1),
    "max_tokens": (1, 1 << 24),
}
_WHOLE = frozenset({"top_k", "seed", "max_tokens"})


def checked(request: Request) -> Request:
    """`request` itself.

    Raises:
        InvalidRequestError: a number out of its bounds, no text, or text that no engine can take.
    """
    _check_sampling(request.sampling)
    texts = [message.content for message in request.messages] or list(request.inputs)
    if not texts:
        what = "message" if request.kind is Kind.CHAT else "text"
        raise InvalidRequestError(f"There is no {what}", hint="give at least one")
    for text in (*texts, *request.sampling.stop):
        _check_text(text)
    return request


def check_task(kind: Kind, model: LocalModel) -> None:
    """Refuse what `model` is not made for, before an engine is started or asked.

    Raises:
        CannotEmbedError, CannotGenerateError: as it says.
    """
    embeds = model.facts.task is Task.EMBED
    if kind is Kind.EMBEDDING and not embeds:
        raise CannotEmbedError(f"{model.ref} does not make embeddings")
    if kind is not Kind.EMBEDDING and embeds:
        raise CannotGenerateError(f"{model.ref} makes embeddings, and writes no text")


def _check_sampling(sampling: Sampling) -> None:
    for name, (least, most) in _RANGES.items():
        value = getattr(sampling, name)
        if value is None:
            continue
        kinds = int if name in _WHOLE else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
            raise InvalidRequestError(f"{name} is not a number of its kind", param=name)
        if not least <= value <= most:
            raise InvalidRequestError(
                f"{name} is out of range", hint=f"use {least:g} to {most:g}", param=name
            )
    if not isinstance(sampling.ignore_eos, bool | None):
        raise InvalidRequestError("ignore_eos is neither true nor false", param="ignore_eos")
    if len(sampling.stop) > STOPS_MAX or "" in sampling.stop:
        raise InvalidRequestError(
            "stop is empty or too long", hint=f"use at most {STOPS_MAX} texts", param="stop"
        )


def _check_text(text: object) -> None:
    if not isinstance(text, str):
        raise InvalidRequestError("A text is not a string", hint="decode it first")
    if "\0" in text:
        raise InvalidRequestError("A text holds a NUL character", hint="remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidRequestError(
            "A text is not valid Unicode", hint="give it as UTF-8, with no half of a surrogate pair"
        ) from None
