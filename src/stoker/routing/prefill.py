"""Telling an engine's prefill reports apart from its answer, without decoding either.

The engine is always asked to report prefill, so that a client that leaves is noticed while the
prompt is still being read. Clients did not ask for these events, so they end here.
"""

from __future__ import annotations

from stoker.core.errors import EngineError

# Within a JSON string a quote is escaped, so these bytes cannot come from a model's text.
MARK = b'"prompt_progress"'
END = b"\n\n"
EVENT_BYTES_MAX = 1 << 20


class PrefillFilter:
    """Drops whole leading events that carry `MARK`; the first other event ends the filtering."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """The bytes of the answer that have come, empty while only reports came.

        Raises:
            EngineError: one event is larger than any report or first token can be.
        """
        self._held += chunk
        while (end := self._held.find(END)) >= 0:
            event_end = end + len(END)
            if MARK not in self._held[:event_end]:
                return self.rest()
            self._held = self._held[event_end:]
        if len(self._held) > EVENT_BYTES_MAX:
            raise EngineError("The engine sent an event without an end")
        return b""

    def rest(self) -> bytes:
        """What is held back, given out."""
        held, self._held = self._held, b""
        return held
