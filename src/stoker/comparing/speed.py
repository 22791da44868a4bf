"""How fast a model reads and writes, one answer at a time.

Owns the probe, the order of the rounds and the figures made of them. In each round every candidate
is loaded and asked in turn, and the order turns with the rounds: what disturbs the machine for a
while hits all of them alike.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from stoker.comparing.report import Speed
from stoker.comparing.runtime import Runtime
from stoker.core.clock import Clock
from stoker.core.errors import ContextOverflowError

ROUNDS_DEFAULT = 5
ANSWER_TOKENS = 64
# A load gives at least one probe, and more while they are short.
PROBES_MAX = 6
PROBES_S = 0.4
_PROMPT_CHARACTERS = 1200
_PROMPT_CHARACTERS_MIN = 50
_FILLER = (
    "The parcel left the warehouse on Monday and reached the depot two days later. The customer "
    "called twice to ask for the invoice, the price of the lamp and the name of the driver. "
    "Nobody knew the answer at once, so a colleague wrote down the number and promised to call "
    "back before the shop closed in the evening. "
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Probe:
    """One answer's speeds in tokens per second, as the engine measured them."""

    prefill_tok_s: float
    decode_tok_s: float


def in_turns(items: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """Each item once in each round, with the round's number.

    Every second round goes back the way of the one before, and then the order is turned by one: in
    `2 * len(items)` rounds each is first twice.
    """
    for number in range(rounds):
        start = number // 2 % max(1, len(items))
        order = [*items[start:], *items[:start]]
        for item in reversed(order) if number % 2 else order:
            yield number, item


async def probe_load(runtime: Runtime, clock: Clock) -> Probe:
    """The median speeds of a model that has just been loaded.

    Raises:
        StokerError: the model does not answer.
    """
    probes: list[Probe] = []
    size = await _warm_up(runtime)
    began = clock.now()
    while not probes or (len(probes) < PROBES_MAX and clock.now() - began < PROBES_S):
        probes.append(await _probe(runtime, prompt(size, len(probes))))
    return Probe(
        statistics.median(one.prefill_tok_s for one in probes),
        statistics.median(one.decode_tok_s for one in probes),
    )


def prompt(characters: int, number: int) -> str:
    """A text of that length; no two numbers share a beginning that the engine could keep."""
    repeats = -(-characters // len(_FILLER))
    return f"{number} is the number of this note. {_FILLER * repeats}"[:characters]


def median_speed(values: Sequence[float]) -> Speed | None:
    """The median of one value for each round, and the range; None without any."""
    known = [value for value in values if value > 0]
    if not known:
        return None
    return Speed(statistics.median(known), min(known), max(known), len(known))


async def _warm_up(runtime: Runtime) -> int:
    """Answer once; the length of a prompt that fits the context."""
    size = _PROMPT_CHARACTERS
    while True:
        try:
            await _probe(runtime, prompt(size, PROBES_MAX))
        except ContextOverflowError:
            if size <= _PROMPT_CHARACTERS_MIN:
                raise
            size //= 2
        else:
            return size


async def _probe(runtime: Runtime, text: str) -> Probe:
    answer = await runtime.generate(
        text, temperature=0.0, max_tokens=ANSWER_TOKENS, ignore_eos=True
    )
    return Probe(answer.timings.prefill_tok_s, answer.timings.decode_tok_s)
