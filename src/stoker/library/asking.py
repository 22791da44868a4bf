"""From what a caller writes to a `core.request.Request`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast

from stoker.core.bounds import check_task, checked
from stoker.core.errors import InvalidRequestError
from stoker.core.model import LocalModel
from stoker.core.request import Kind, Message, Request, Role, Sampling

MessageLike = Message | Mapping[str, str]


class SamplingOptions(TypedDict, total=False):
    """The keyword arguments of every generating method; see `core.request.Sampling`."""

    temperature: float
    top_p: float
    top_k: int
    min_p: float
    frequency_penalty: float
    presence_penalty: float
    repeat_penalty: float
    seed: int
    max_tokens: int
    stop: Sequence[str]
    ignore_eos: bool


def to_request(
    model: LocalModel, prompt: str | Sequence[MessageLike], options: SamplingOptions
) -> Request:
    """What is asked of `model`: a conversation, or a text to go on with where it has no template.

    Raises:
        CannotGenerateError: the model makes embeddings.
        InvalidRequestError: an option or a message of an unknown form.
    """
    check_task(Kind.CHAT, model)
    sampling = _sampling(options)
    if isinstance(prompt, str) and not model.facts.chat_template:
        asked = Request(new_id(), model.ref, Kind.COMPLETION, inputs=(prompt,), sampling=sampling)
        return checked(asked)
    turns = [Message(Role.USER, prompt)] if isinstance(prompt, str) else prompt
    messages = tuple(_message(turn) for turn in turns)
    return checked(Request(new_id(), model.ref, Kind.CHAT, messages=messages, sampling=sampling))


def new_id() -> str:
    """An id that no other request has."""
    return f"lib-{uuid.uuid4().hex}"


def _sampling(options: SamplingOptions) -> Sampling:
    chosen = cast("dict[str, Any]", dict(options))
    unknown = chosen.keys() - Sampling.__dataclass_fields__.keys()
    if unknown:
        raise InvalidRequestError(f"{min(unknown)} is not a sampling option")
    stop = chosen.get("stop") or ()
    chosen["stop"] = (stop,) if isinstance(stop, str) else tuple(stop)
    return Sampling(**chosen)


def _message(turn: MessageLike) -> Message:
    if isinstance(turn, Message):
        return turn
    try:
        return Message(Role(turn["role"]), turn["content"])
    except (KeyError, TypeError, ValueError):
        raise InvalidRequestError(
            "A message needs a role (system, user or assistant) and a content"
        ) from None
