"""How fast one model is expected to run, figure by figure, and where each figure comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stoker.core.estimate import Interval


class SpeedSource(StrEnum):
    """Whose measurements an estimate rests on, the best first."""

    MEASURED = "measured"  # this model, on this machine, in earlier runs
    CALIBRATION = "calibration"  # this machine, synthetic models
    PUBLISHED = "published"  # makers' figures, and speeds that others published of like devices
    ROUGH = "rough"  # how fast memory is read, and no speed of its kind
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Occasion:
    """The case that an estimate is about.

    `prompt_tokens` are read before the first token of an answer; `context` is how many tokens an
    answer's sequence has, in its middle; `streams` answers are written at a time. `context_full` is
    how many it may have at most, at the end of the longest conversation; 0 where nobody asks.
    """

    prompt_tokens: int = 512
    context: int = 1024
    streams: int = 1
    context_full: int = 0


@dataclass(frozen=True, slots=True)
class Speed:
    """One model's speeds on one occasion; a figure that nobody can tell is None.

    Seconds and tokens a second. `load_s` is with the file in the page cache, `load_cold_s` from the
    disk; both count from the call to the first answer. `decode_tok_s` is of one answer alone,
    `stream_tok_s` of each of the occasion's streams, `total_tok_s` of all of them together; these
    at the occasion's `context`. `decode_full_tok_s` and `stream_full_tok_s` are at `context_full`.

    `sources` has by its name where each figure that is told comes from; `source` is the weaker of
    those of prefill and decode, unknown without either. `notes` say what was borrowed, scaled or
    left out.
    """

    occasion: Occasion
    source: SpeedSource
    load_s: Interval | None = None
    load_cold_s: Interval | None = None
    ttft_s: Interval | None = None
    prefill_tok_s: Interval | None = None
    decode_tok_s: Interval | None = None
    stream_tok_s: Interval | None = None
    total_tok_s: Interval | None = None
    decode_full_tok_s: Interval | None = None
    stream_full_tok_s: Interval | None = None
    sources: tuple[tuple[str, SpeedSource], ...] = ()
    notes: tuple[str, ...] = ()

    def source_of(self, name: str) -> SpeedSource:
        """Where the figure of that name comes from; unknown where nobody can tell it."""
        return dict(self.sources).get(name, SpeedSource.UNKNOWN)
