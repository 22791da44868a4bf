"""How a stub engine shall behave: the part of its spec that tests write."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StubBehaviour:
    """Times in seconds; None means never. Gates are paths of files that open when they exist.

    `tokens` is the length of an answer if the
    request does not bound it, `word` one piece of it, repeated `word_repeat` times.
    `crash_at_load` is written to standard error before the stub ends with status 1.
    `crash_at_token` ends it by SIGKILL after that many tokens; `hang_at_token` stops all its
    answers, the health check's too. `token_gate` holds every token back until it is opened,
    `prefill_gate` the whole answer, `load_gate` the load; the first answer of a start passes.
    """

    load_s: float = 0.0
    load_gate: str | None = None
    crash_at_load: str | None = None
    hang_at_load: bool = False
    refuse_all: bool = False
    prefill_gate: str | None = None
    prefill_chunks: int = 2
    tokens: int = 4
    word: str = "tok "
    word_repeat: int = 1
    token_s: float = 0.0
    token_gate: str | None = None
    crash_at_token: int | None = None
    hang_at_token: int | None = None
    ignore_sigterm: bool = False
    ignore_closed_stdin: bool = False

    def to_spec(self) -> dict[str, Any]:
        """The behaviour as a JSON object."""
        return asdict(self)
