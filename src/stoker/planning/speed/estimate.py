"""How fast one model will run: each figure of a plan, from the best that can tell its seconds.

Pure. A `Basis` tells seconds: `experience` from earlier runs of the same model, `calibrated` of
this machine, `published` of others, `rough` where nothing better is known, `split` for a model on
two devices. Everything is an interval that knows its source; a figure that no basis can tell is
None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from stoker.core.estimate import Interval
from stoker.core.speed import Occasion, Speed, SpeedSource
from stoker.planning.speed.spread import Estimate
from stoker.planning.speed.work import Work

# How notes call the figures, and what they say of a source that is not the speeds' own.
_NAMES = {
    "load_s": "load",
    "load_cold_s": "load from the disk",
    "ttft_s": "first token",
    "prefill_tok_s": "prompt",
    "decode_tok_s": "one answer alone",
    "stream_tok_s": "each answer",
    "total_tok_s": "all answers",
    "decode_full_tok_s": "one answer alone at full context",
    "stream_full_tok_s": "each answer at full context",
}
_HOW = {
    SpeedSource.MEASURED: "measured with this model on this machine",
    SpeedSource.CALIBRATION: "from this machine's calibration",
    SpeedSource.PUBLISHED: "from makers' figures and published speeds",
    SpeedSource.ROUGH: "rough, from how fast memory is read",
}
_SPEEDS = ("decode_tok_s", "prefill_tok_s")


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
        """A prompt of `tokens` after `past` cached ones, as the engine counts its prefill."""
        ...

    @property
    def first_token_s(self) -> float:
        """Seconds of a request beside its prefill, until its first token is here."""
        ...

    def load(self, work: Work, *, cold: bool) -> Estimate | None:
        """From the call to the first answer."""
        ...

    def notes(self, work: Work) -> tuple[str, ...]:
        """What was borrowed, scaled or left out."""
        ...


def estimate_speed(work: Work, bases: Sequence[Basis], occasion: Occasion) -> Speed:
    """All figures of `work` on `occasion`, each from the first of `bases` that can tell it."""
    found: dict[str, Interval] = {}
    told: dict[str, Basis] = {}
    for name, ask in _questions(work, occasion).items():
        for basis in bases:
            figure = ask(basis)
            if figure is not None:
                found[name], told[name] = figure, basis
                break
    if "load_s" in found and "load_cold_s" in found:
        found["load_cold_s"] = _at_least(found["load_cold_s"], found["load_s"])
    source = _weakest(told[name].source for name in _SPEEDS if name in told)
    return Speed(
        occasion,
        source,
        **found,
        sources=tuple((name, basis.source) for name, basis in told.items()),
        notes=tuple(dict.fromkeys(_notes(work, bases, told, source))) or _nothing(bases),
    )


def _at_least(figure: Interval, least: Interval) -> Interval:
    """`figure`, no end of it below that of `least`: the disk makes no load shorter."""
    return Interval(
        max(figure.p10, least.p10), max(figure.p50, least.p50), max(figure.p90, least.p90)
    )


def _questions(work: Work, occasion: Occasion) -> Mapping[str, Callable[[Basis], Interval | None]]:
    """How a basis is asked for each figure."""
    prompt, past, streams = occasion.prompt_tokens, occasion.context, occasion.streams
    reading: dict[str, Callable[[Basis], Interval | None]] = {
        "load_s": lambda basis: _interval(basis.load(work, cold=False)),
        "load_cold_s": lambda basis: _interval(basis.load(work, cold=True)),
        "prefill_tok_s": lambda basis: prefill_tok_s(work, basis, prompt),
    }
    if work.embeds:  # it writes no token, first or later
        return reading
    writing: dict[str, Callable[[Basis], Interval | None]] = {
        "ttft_s": lambda basis: ttft_s(work, basis, prompt),
        "decode_tok_s": lambda basis: decode_tok_s(work, basis, past),
        "stream_tok_s": lambda basis: decode_tok_s(work, basis, past, streams),
        "total_tok_s": lambda basis: _rate(basis.step(work, streams, past), streams),
    }
    if full := occasion.context_full:
        writing["decode_full_tok_s"] = lambda basis: decode_tok_s(work, basis, full)
        writing["stream_full_tok_s"] = lambda basis: decode_tok_s(work, basis, full, streams)
    return {**reading, **writing}


def _notes(
    work: Work, bases: Sequence[Basis], told: Mapping[str, Basis], source: SpeedSource
) -> Iterator[str]:
    """What the bases say that told something; of those of another source, which figures it was."""
    for basis in bases:
        names = [_NAMES[name] for name, one in told.items() if one is basis]
        if names and basis.source is not source:
            yield f"{', '.join(names)}: {_HOW[basis.source]}"
        if names:
            yield from basis.notes(work)


def _nothing(bases: Sequence[Basis]) -> tuple[str, ...]:
    return () if bases else ("nothing is known of this machine",)


def _weakest(sources: Iterator[SpeedSource]) -> SpeedSource:
    order = list(SpeedSource)
    return max(sources, key=order.index, default=SpeedSource.UNKNOWN)


def ttft_s(work: Work, basis: Basis, prompt_tokens: int) -> Interval | None:
    """Seconds from a request to its first token, when nothing else runs."""
    return _interval(first_token(work, basis, prompt_tokens))


def first_token(work: Work, basis: Basis, prompt_tokens: int) -> Estimate | None:
    """As `ttft_s`, before it is an interval."""
    read = basis.prompt(work, prompt_tokens)
    return read and Estimate(read.middle + basis.first_token_s, read.width)


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
