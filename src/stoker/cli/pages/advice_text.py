"""Advice as text for people: the answer in one line, reasons, what would change it, what to watch.

Pure. Lines are at most as wide as they may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stoker.cli.drawing.cost_chart import chart_lines
from stoker.cli.drawing.glyphs import UNICODE, Glyphs
from stoker.cli.pages.cost_text import cost_lines
from stoker.cli.pages.paragraphs import capital, section, wrapped
from stoker.core.advice import Advice, Answer, LocalOption, ReasonRole
from stoker.core.rules import RuleBook
from stoker.core.speed import SpeedSource
from stoker.core.units import format_bytes
from stoker.planning.words import rate_span, seconds_span

WIDTH = 100
_SOURCES = {
    SpeedSource.MEASURED: "measured here",
    SpeedSource.CALIBRATION: "by this machine's calibration",
    SpeedSource.PUBLISHED: "by makers' figures and published speeds",
    SpeedSource.ROUGH: "rough, by how fast memory is read",
    SpeedSource.UNKNOWN: "from an unknown source",
}
_MARKS = {True: "fired", False: "-"}


def render(advice: Advice, *, width: int = WIDTH, glyphs: Glyphs = UNICODE) -> list[str]:
    """The lines that `stoker advise` prints."""
    against = [one.say for one in advice.reasons if one.role is ReasonRole.OUTVOTED]
    reasons = [one.say for one in advice.reasons if one.role is not ReasonRole.OUTVOTED]
    contradiction = advice.answer is Answer.CONTRADICTION
    changes = "What to relax" if contradiction else "What would change it"
    return [
        *wrapped(advice.headline, width),
        *wrapped(advice.data_note, width),
        *section("What to expect here", _expected(advice), width),
        *section("Why", reasons, width),
        *section("On the other side", [] if contradiction else against, width),
        *section("The boundary", advice.boundary, width),
        *section("What it costs", _costs(advice), width),
        *chart_lines(advice.cost, width, glyphs),
        *section(changes, [one.say for one in advice.changes], width),
        *section("What to watch", advice.watch, width),
        *section("Assumed", [_sentence(advice.assumed)], width),
        *section("Not known", [_sentence(advice.missing)], width),
    ]


def explain(advice: Advice, book: RuleBook, *, width: int = WIDTH) -> list[str]:
    """Every rule in its order with its conditions and whether it fired, and every model."""
    fired = dict(advice.rules)
    lines = [
        f"{_MARKS[fired.get(rule.name, False)]:<6} {rule.name}: {'; '.join(map(str, rule.when))}"
        for rule in book.rules
    ]
    return [
        *section("Every rule in its order, with its conditions", lines, width),
        *section("Every model of the catalogue here", map(_model, advice.options), width),
    ]


def _expected(advice: Advice) -> Iterator[str]:
    """How fast the model that is to run here answers; which figure is not known."""
    local = advice.local
    if local is None or advice.answer not in {Answer.LOCAL, Answer.HYBRID}:
        return
    rate, first = local.stream_tok_s, local.ttft_s
    fast = "how fast it answers is not known"
    soon = "how soon an answer begins is not known"
    if rate is not None:
        fast = f"{rate_span(rate)} for each answer, {_SOURCES[local.speed_source]}"
    if first is not None:
        soon = f"the first token after {seconds_span(first)}"
    yield f"{local.name}: {fast}; {soon}."


def _costs(advice: Advice) -> Iterator[str]:
    yield from cost_lines(advice.cost, split=advice.answer is Answer.HYBRID)


def _model(option: LocalOption) -> str:
    speed = "speed unknown"
    if option.stream_tok_s is not None:
        speed = f"{rate_span(option.stream_tok_s)} ({option.speed_source})"
    tier = option.tier or "unproven"
    size = format_bytes(option.memory_bytes)
    return f"{option.name} {option.quantization}: {tier}, {size}, {option.fit.value}, {speed}"


def _sentence(parts: Sequence[str]) -> str:
    return capital(", ".join(parts)) + "." if parts else ""
