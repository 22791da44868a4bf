"""Reading tasks: find a value in a message, write values as JSON, repeat a text, recall a turn.

Owns the messages and the instructions. The values come from `values`; the key is the message, so
a held-out message is new with all its values.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from training.text import values
from training.text.case import Turn
from training.text.lists import options

ABSENT = "not given"


@dataclass(frozen=True)
class Field:
    """A value a message can hold: how to make it, say it, and ask for it."""

    name: str
    make: Callable[[random.Random], str]
    sentences: tuple[str, ...]
    labels: tuple[str, ...]


def _field(name: str, make: Callable[[random.Random], str], said: str, labels: str) -> Field:
    return Field(name, make, tuple(said.split("|")), tuple(labels.split("|")))


FIELDS = (
    _field(
        "order_number",
        values.order_number,
        "My order number is {v}.|It is about order {v}.|The order is {v}.|"
        "I placed order {v} with you.|"
        "Please check order {v}.|Order {v} is the one I mean.|I am writing about order number {v}.|"
        "The number of my order is {v}.|Order: {v}.|You will find it under {v}.|"
        "My reference is order {v}.",
        "order number|number of the order|order id",
    ),
    _field(
        "city",
        values.city,
        "I live in {v}.|Please send it to {v}.|The parcel should go to {v}.|I am in {v} now.|"
        "It was delivered to {v}.|My new home is in {v}.|I moved to {v}.|The address is in {v}.|"
        "We are writing from {v}.|City: {v}.|The courier in {v} could not find us.|"
        "It is for my flat in {v}.",
        "city|town|name of the city",
    ),
    _field(
        "amount",
        values.amount,
        "I paid {v}.|The total was {v}.|You charged me {v}.|It cost {v}.|The bill says {v}.|"
        "My card shows {v}.|The amount was {v}.|Amount: {v}.|I was billed {v} for it.|"
        "I sent you {v}.|"
        "It came to {v} with shipping.",
        "amount|sum of money|price|amount of money",
    ),
    _field(
        "date",
        values.date,
        "I ordered on {v}.|It arrived on {v}.|The delivery was on {v}.|I bought it on {v}.|"
        "Date: {v}.|"
        "I have been waiting since {v}.|The parcel was sent on {v}.|I need it by {v}.|"
        "The invoice is from {v}.|It was promised for {v}.|It stopped working on {v}.",
        "date|day mentioned",
    ),
    _field(
        "name",
        values.person,
        "My name is {v}.|I am {v}.|This is {v} writing.|Name: {v}.|"
        "The order is under the name {v}.|"
        "Please call me back, my name is {v}.|Best regards, {v}|Kind regards, {v}|Thanks, {v}|"
        "The parcel is for {v}.",
        "name|name of the customer|customer's name|person's name",
    ),
)
FIELD_BY_NAME = {field.name: field for field in FIELDS}
FILLERS = options(
    "Hello.|Hi there.|Good morning.|Dear team.|I hope you are well.|"
    "Please help me.|Can you check this?|"
    "The {p} is lovely.|I bought the {p}.|The {p} has a scratch.|I ordered {n} of them.|"
    "The {p} is missing.|"
    "I would like to return the {p}.|The box was open.|Please answer soon.|Thank you.|"
    "I am waiting.|"
    "The {p} does not work.|I called {n} times.|My neighbour has the parcel.|What should I do?|"
    "I also want the {p}.|There were {n} people in the line.|I like the {p} very much."
)
ASKS = options(
    "What is the {l} in this message?|Find the {l} in this message.|Extract the {l}.|"
    "Give me only the {l}.|Which {l} is in the text?|Read the message and give the {l}.|"
    "Write the {l} from this message.|Return the {l} only.|Tell me the {l}.|Pull out the {l}."
)
JSON_ASKS = options(
    "Write {l} as JSON.|Extract {l} as JSON.|Give {l} as a JSON object.|"
    "Return JSON with {l}.|"
    "Read the message and write {l} as JSON.|Make a JSON object with {l}."
)
LAYOUTS = (
    "{ask}\n\n{msg}",
    "{ask}\n{msg}",
    "{ask} Message: {msg}",
    "{msg}\n\n{ask}",
    '{ask}\n"{msg}"',
)


def filler(rng: random.Random) -> str:
    """A sentence that holds none of the values."""
    return rng.choice(FILLERS).format(p=values.product(rng), n=rng.randint(2, 9))


def message(rng: random.Random, held: list[str]) -> tuple[str, dict[str, str]]:
    """A customer's message that holds the named fields, and their values."""
    found: dict[str, str] = {}
    sentences = [filler(rng) for _ in range(rng.choice([0, 1, 1, 2]))]
    for name in held:
        field = FIELD_BY_NAME[name]
        found[name] = field.make(rng)
        sentences.append(rng.choice(field.sentences).format(v=found[name]))
    rng.shuffle(sentences)
    return " ".join(sentences), found


def lay_out(rng: random.Random, ask: str, text: str) -> str:
    """Put the instruction and the message together."""
    return rng.choice(LAYOUTS).format(ask=ask, msg=text)


def pick_fields(rng: random.Random, least: int) -> list[str]:
    """Some fields, in random order."""
    return rng.sample(list(FIELD_BY_NAME), rng.randint(least, len(FIELDS)))


def extract(name: str, rng: random.Random) -> Turn:
    """Ask for one field of a message; one message in twelve does not hold it."""
    held = pick_fields(rng, 1)
    absent = rng.random() < 1 / 12
    held = [n for n in held if n != name] or [n for n in FIELD_BY_NAME if n != name][:1]
    if not absent:
        held.insert(rng.randint(0, len(held)), name)
    text, found = message(rng, held[:4] if absent or name in held[:4] else [*held[:3], name])
    ask = rng.choice(ASKS).format(l=rng.choice(FIELD_BY_NAME[name].labels))
    return Turn(f"extract_{name}", text, lay_out(rng, ask, text), found.get(name, ABSENT))


def extract_json(rng: random.Random) -> Turn:
    """Ask for two to four fields as one JSON object; a field the message lacks is null."""
    wanted = rng.sample(list(FIELD_BY_NAME), rng.choice([2, 2, 3, 3, 4]))
    held = [n for n in wanted if rng.random() > 0.08] or wanted[:1]
    extra = [n for n in FIELD_BY_NAME if n not in wanted and rng.random() < 0.3]
    text, found = message(rng, held + extra)
    words = [f'"{n}"' if rng.random() < 0.5 else n for n in wanted]
    listed = ", ".join(words[:-1]) + " and " + words[-1]
    answer = json.dumps({n: found.get(n) for n in wanted}, ensure_ascii=False)
    return Turn(
        "extract_json", text, lay_out(rng, rng.choice(JSON_ASKS).format(l=listed), text), answer
    )


def repeat(rng: random.Random) -> Turn:
    """Repeat a short text letter by letter: made-up words, numbers and products."""
    makers = (
        lambda r: values.made_up_word(r, r.choice([1, 2, 3])),
        lambda r: values.digits(r, r.randint(2, 6)),
        values.product,
        values.city,
        values.order_number,
        values.person,
        lambda r: r.choice(values.WEEKDAYS),
    )
    text = " ".join(rng.choice(makers)(rng) for _ in range(rng.randint(2, 5)))
    ask = rng.choice(
        [
            "Repeat exactly: {}",
            "Repeat this text: {}",
            "Copy this: {}",
            'Say "{}"',
            "Write this again: {}",
        ]
    )
    return Turn("repeat", text, ask.format(text), text)
