"""What an OpenAI client may send, field by field.

A field that is unknown is refused with the nearest name that is known; one that OpenAI has and we
do not is refused as not supported. Nothing is ignored silently. Error texts never repeat a value:
values are the client's content.
"""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, ValidationError
from pydantic_core import ErrorDetails

from stoker.core.bounds import STOPS_MAX
from stoker.core.errors import InvalidRequestError, UnsupportedParameterError
from stoker.core.request import Message, Role, Sampling

# Fields that OpenAI documents and we cannot honour yet.
UNSUPPORTED = frozenset(
    [
        "audio",
        "best_of",
        "echo",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "modalities",
        "moderation",
        "parallel_tool_calls",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning_effort",
        "safety_identifier",
        "service_tier",
        "store",
        "suffix",
        "tool_choice",
        "tools",
        "top_logprobs",
        "verbosity",
        "web_search_options",
    ]
)
# The same within a message.
UNSUPPORTED_IN_MESSAGES = frozenset(["audio", "name", "refusal", "tool_call_id", "tool_calls"])
MESSAGES_MAX = 4096

Number = StrictFloat | StrictInt
# A NUL cannot pass through an engine's C strings unharmed.
Content = Annotated[str, Field(pattern=r"^[^\x00]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TextPart(_Strict):
    """One part of a message's content."""

    type: Literal["text"]
    text: Content


class WireMessage(_Strict):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Content | Annotated[list[TextPart], Field(min_length=1, max_length=MESSAGES_MAX)]

    def to_core(self) -> Message:
        """This message with its parts joined; a developer speaks as the system."""
        text = self.content
        if not isinstance(text, str):
            text = "".join(part.text for part in text)
        role = Role.SYSTEM if self.role == "developer" else Role(self.role)
        return Message(role, text)


class StreamOptions(_Strict):
    """What a streaming client wants besides the text."""

    include_usage: bool = False


class ResponseFormat(_Strict):
    """The form of the answer; a schema is not supported yet."""

    type: Literal["text", "json_object"]


class CommonBody(_Strict):
    """What both kinds of completion take."""

    model: str
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: Annotated[Number, Field(ge=0, le=5)] | None = None
    top_p: Annotated[Number, Field(gt=0, le=1)] | None = None
    top_k: Annotated[StrictInt, Field(ge=0, le=1 << 20)] | None = None
    min_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    frequency_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    repeat_penalty: Annotated[Number, Field(gt=0, le=10)] | None = None
    seed: Annotated[StrictInt, Field(ge=0, lt=1 << 32)] | None = None
    max_tokens: Annotated[StrictInt, Field(ge=1, le=1 << 24)] | None = None
    stop: Content | Annotated[list[Content], Field(max_length=STOPS_MAX)] | None = None
    n: Literal[1] | None = 1
    # These two name the caller to whoever runs the API; no answer depends on them.
    user: str | None = None
    metadata: dict[str, str] | None = None

    def sampling(self) -> Sampling:
        """How the client wants tokens to be chosen."""
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        # A client has no way to ask for an answer that may not end: that is for measuring.
        names = Sampling.__dataclass_fields__.keys() - {"stop", "max_tokens", "ignore_eos"}
        chosen = {name: getattr(self, name) for name in names}
        return Sampling(**chosen, stop=stop, max_tokens=self.tokens_max())

    def tokens_max(self) -> int | None:
        """The bound on the answer, in tokens."""
        return self.max_tokens

    @property
    def include_usage(self) -> bool:
        """Whether a stream ends with an event that counts the tokens."""
        return self.stream_options is not None and self.stream_options.include_usage


class ChatBody(CommonBody):
    """The body of a chat completion."""

    messages: Annotated[list[WireMessage], Field(min_length=1, max_length=MESSAGES_MAX)]
    max_completion_tokens: Annotated[StrictInt, Field(ge=1, le=1 << 24)] | None = None
    response_format: ResponseFormat | None = None

    def tokens_max(self) -> int | None:
        """The newer name wins over the older."""
        return self.max_completion_tokens or self.max_tokens


class CompletionBody(CommonBody):
    """The body of a text completion: one prompt."""

    prompt: Annotated[str, Field(pattern=r"^[^\x00]*$", min_length=1)]


_SHAPES = (TextPart, WireMessage, StreamOptions, ResponseFormat, ChatBody, CompletionBody)
_FIELD_NAMES = frozenset(name for shape in _SHAPES for name in shape.model_fields)
W = TypeVar("W", bound=BaseModel)


def read(shape: type[W], body: bytes) -> W:
    """`body` as `shape`.

    Raises:
        UnsupportedParameterError: a field that OpenAI has and we do not support.
        InvalidRequestError: not JSON, not UTF-8, or not of that shape.
    """
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        raise _explain(error.errors(include_url=False, include_input=False), shape) from None


def _explain(details: list[ErrorDetails], shape: type[BaseModel]) -> InvalidRequestError:
    detail = _closest(details)
    field = ".".join(_plain(part) for part in _places(detail))
    if detail["type"] == "json_invalid":
        return InvalidRequestError("The body is not valid JSON", hint="send one JSON object")
    if detail["type"] == "extra_forbidden":
        return _explain_unknown(field, shape)
    if not field:
        return InvalidRequestError("The body is not a JSON object", hint="send one JSON object")
    if detail["type"] == "string_pattern_mismatch":
        return InvalidRequestError(f"{field} holds a NUL character", hint="remove it", param=field)
    return InvalidRequestError(
        f"{field}: {detail['msg']}", hint="see the message for what it takes", param=field
    )


def _closest(details: list[ErrorDetails]) -> ErrorDetails:
    """Of the first error and those beneath it, the deepest: the form that the client meant."""
    first = _places(details[0])
    return max(
        (detail for detail in details if _places(detail)[: len(first)] == first),
        key=lambda detail: len(_places(detail)),
    )


def _places(detail: ErrorDetails) -> list[str | int]:
    """Where the error is, without the names of types that pydantic tried on the way."""
    *path, last = detail["loc"] or ("",)
    known = [part for part in path if isinstance(part, int) or part in _FIELD_NAMES]
    if isinstance(last, int) or last in _FIELD_NAMES or detail["type"] == "extra_forbidden":
        known.append(last)
    return known


def _explain_unknown(field: str, shape: type[BaseModel]) -> InvalidRequestError:
    outer, _, name = field.rpartition(".")
    if field in UNSUPPORTED or (outer and name in UNSUPPORTED_IN_MESSAGES):
        return UnsupportedParameterError(f"{field} is not supported yet", param=field)
    fields = [] if outer else list(shape.model_fields)  # a nested field is not one of the body's
    near = difflib.get_close_matches(field, fields, n=1)
    hint = f"did you mean {near[0]}?" if near else "remove it"
    return InvalidRequestError(f"{field} is not a known field", hint=hint, param=field)


def _plain(part: Any) -> str:
    # An unknown field's name is the client's text: cut short, and nothing that moves a cursor.
    return "".join(c if c.isprintable() else "?" for c in str(part)[:64])
