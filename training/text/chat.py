"""Conversations: several turns, a system message, and recalling an earlier turn.

Owns how turns are put together. Each turn keeps its own key, and all of a training conversation's
keys are on the training side of the split.
"""

from __future__ import annotations

import random

from training.text import reading
from training.text.case import Case, Maker, Turn, draw
from training.text.lists import options

SYSTEM_MESSAGES = (
    "You are the assistant of a shop.",
    "You are a helpful assistant.",
    "You are the customer service of Hearth & Co.",
    "Answer the customer politely.",
    "You are Stoker, a helpful assistant.",
    "Be brief.",
    "You help customers of an online shop.",
    "Answer in English.",
)
RECALL_ANSWER = "Thank you, I have noted that."
RECALL_ASKS = options(
    "What was my {l}?|Which {l} did I give you?|Please repeat my {l}.|"
    "Tell me the {l} I gave you.|"
    "What {l} did I mention?"
)
RECALL_NOTES = ("Please note: {msg}", "Remember this: {msg}", "Note this for later: {msg}")
RECALLED = {"order_number": "order number", "city": "city", "amount": "amount", "date": "date"}


def recall(rng: random.Random, between: Maker, *, held_out: bool) -> Case:
    """The customer states something, may ask something else, and asks for it again."""
    name = rng.choice(list(RECALLED))
    others = [n for n in RECALLED if n != name and rng.random() < 0.3]

    def note(r: random.Random) -> Turn:
        text, found = reading.message(r, [name, *others])
        return Turn("note", text, r.choice(RECALL_NOTES).format(msg=text), found[name])

    first = draw(note, rng, held_out=held_out)
    told = Turn("note", first.key, first.question, RECALL_ANSWER)
    ask = rng.choice(RECALL_ASKS).format(l=RECALLED[name])
    asked = Turn("recall", first.key, ask, first.answer)
    middle = [draw(between, rng, held_out=False)] if rng.random() < 0.5 else []
    return Case((told, *middle, asked), system_message(rng), "recall")


def conversation(rng: random.Random, maker: Maker, count: int, *, held_out: bool) -> Case:
    """A conversation of independent turns; only the last one is on the held-out side."""
    turns = [draw(maker, rng, held_out=False) for _ in range(count - 1)]
    last = draw(maker, rng, held_out=held_out)
    return Case((*turns, last), system_message(rng), last.task)


def system_message(rng: random.Random) -> str | None:
    """A neutral system message, or none: the model must stand both."""
    return rng.choice(SYSTEM_MESSAGES) if rng.random() < 0.25 else None
