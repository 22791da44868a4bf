"""How fast one model will run: each figure of a plan, from whatever tells its steps' seconds.

Pure. A `Basis` tells seconds: `calibrated` for this machine, `stated` for others, `split` for a
model on two devices. What earlier runs of the same model measured goes before all of them
(`experience`). Everything is an interval; a figure that no basis can tell is None.
"""

from __future__ import annotations

from typing import Protocol

from stoker.core.estimate import Interval
from stoker.core.speed import Occasion, Speed, SpeedSource
from stoker.planning.speed.spread import Estimate
from stoker.planning.speed.work import Work


class Basis(Protocol):
    """Tells seconds, with the width of what they may be off by; None where it cannot."""

    @property
    def source(self) -> SpeedSource:
        """Whose measurements it rests on."""
        ...

    def step(self, work: Work, streams: int, past: float) -> Estimate | None:
        """One step of `streams` answers, each with `past` tokens behind it."""
        ...

    def prompt(self, work: Work, tokens: int, past: int = 0) -> Estimate | None:
        """From a request to its first token."""
        ...

    def load(self, work: Work, *, cold: bool) -> Estimate | None:
        """From the call to the first answer."""
        ...

    def notes(self, work: Work) -> tuple[str, ...]:
        """What was borrowed, scaled or left out."""
        ...


def estimate_speed(work: Work, basis: Basis | None, occasion: Occasion) -> Speed:
    """All figures of `work` on `occasion`; without a basis all are unknown."""
    if basis is None:
        return Speed(occasion, SpeedSource.UNKNOWN, notes=("nothing was measured of this machine",))
    step = basis.step(work, occasion.streams, occasion.context)
    return Speed(
        occasion=occasion,
        source=basis.source,
        load_s=_interval(basis.load(work, cold=False)),
        load_cold_s=_interval(basis.load(work, cold=True)),
        ttft_s=ttft_s(work, basis, occasion.prompt_tokens),
        prefill_tok_s=prefill_tok_s(work, basis, occasion.prompt_tokens),
        decode_tok_s=_rate(basis.step(work, 1, occasion.context), 1),
        stream_tok_s=_rate(step, 1),
        total_tok_s=_rate(step, occasion.streams),
        notes=basis.notes(work),
    )


def ttft_s(work: Work, basis: Basis, prompt_tokens: int) -> Interval | None:
    """Seconds from a request to its first token, when nothing else runs."""
    return _interval(basis.prompt(work, prompt_tokens))


def prefill_tok_s(work: Work, basis: Basis, prompt_tokens: int) -> Interval | None:
    """Tokens of the prompt a second."""
    return _rate(basis.prompt(work, prompt_tokens), prompt_tokens)


def decode_tok_s(work: Work, basis: Basis, context: float, streams: int = 1) -> Interval | None:
    """Tokens a second of each of `streams` answers, with `context` tokens behind each."""
    return _rate(basis.step(work, streams, context), 1)


def _interval(estimate: Estimate | None) -> Interval | None:
    return None if estimate is None else estimate.interval()


def _rate(estimate: Estimate | None, tokens: int) -> Interval | None:
    if estimate is None or estimate.middle <= 0:
        return None
    return estimate.interval().inverse().scaled(tokens)
