"""What a client asks and what comes back, in no dialect: the gateway and the library meet here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from stoker.core.model import ModelRef


class Kind(StrEnum):
    """What is asked of the model."""

    CHAT = "chat"
    COMPLETION = "completion"
    EMBEDDING = "embedding"
    RENDER = "render"  # the chat template's text of a conversation, and no answer


class Role(StrEnum):
    """Who speaks a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen and when to stop; None leaves the engine's default.

    `max_tokens` bounds the answer. `seed` makes sampling repeatable on one machine. `ignore_eos`
    makes the answer as long as it may be, for measuring.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    ignore_eos: bool | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One question to one model. `inputs` holds the prompt, or the texts to embed."""

    id: str
    model: ModelRef
    kind: Kind
    messages: tuple[Message, ...] = ()
    inputs: tuple[str, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    include_usage: bool = False
    json_object: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer; `cached_tokens` of the prompt were not computed again."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    """What the engine measured of one answer: seconds, and tokens per second."""

    prefill_s: float
    decode_s: float
    prefill_tok_s: float
    decode_tok_s: float


@dataclass(frozen=True, slots=True)
class Prefill:
    """Event: `done` of `total` prompt tokens are read, `cached` of them from the cache."""

    done: int
    total: int
    cached: int


@dataclass(frozen=True, slots=True)
class Text:
    """Event: the answer goes on with `text`."""

    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Event: the answer is whole. `reason` is `stop` or `length`."""

    reason: str
    usage: Usage
    timings: Timings


Event = Prefill | Text | Finish


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer. `first_token_s` counts from the request to the first text."""

    text: str
    finish_reason: str
    usage: Usage
    timings: Timings
    first_token_s: float


@dataclass(frozen=True, slots=True)
class ColdStart:
    """The parts of a start, in seconds.

    `spawn_s`: until the child process runs our code; `import_s`: importing the engine's
    library; `load_s`: reading the model; `warmup_s`: until the first real answer was given.
    """

    import_s: float
    spawn_s: float
    load_s: float
    warmup_s: float

    @property
    def total_s(self) -> float:
        """Seconds from the call to a worker that has answered."""
        return self.import_s + self.spawn_s + self.load_s + self.warmup_s
