"""What one runtime has seen, added up."""

from __future__ import annotations

from dataclasses import dataclass

from stoker.core.request import ColdStart, Finish


@dataclass(frozen=True, slots=True)
class RuntimeStatistics:
    """What one runtime has seen since it was made.

    Sizes in bytes, speeds of the last answer in tokens per second, None before the first.
    `command_s` is not here: what came before the library was called is not the library's.
    """

    model: str
    state: str
    pid: int | None
    cold_start: ColdStart | None
    memory_bytes: int | None
    memory_peak_bytes: int | None
    answers: int
    prompt_tokens: int
    completion_tokens: int
    first_token_s: float | None
    prefill_tok_s: float | None
    decode_tok_s: float | None


@dataclass(slots=True)
class Tally:
    """What the answers so far add up to."""

    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token_s: float | None = None
    prefill_tok_s: float | None = None
    decode_tok_s: float | None = None

    def add(self, finish: Finish, first_token_s: float) -> None:
        """Count one whole answer."""
        self.answers += 1
        self.prompt_tokens += finish.usage.prompt_tokens
        self.completion_tokens += finish.usage.completion_tokens
        self.first_token_s = first_token_s
        self.prefill_tok_s = finish.timings.prefill_tok_s
        self.decode_tok_s = finish.timings.decode_tok_s
