"""What one example is, and which examples are held out.

Owns the `Turn` and `Case` records and the split. A turn carries a *key*: the part of it that
makes it new (a whole message, a pair of numbers, a wording). The split is a hash of the key, so a
held-out message can not reach training under another instruction. It does not know any task.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass

HELD_OUT_ONE_IN = 10

# The first question a new user is shown must be learned, whatever its hash says.
PINNED_TO_TRAINING = frozenset({"what is the refund policy", "explain all shop policies"})


@dataclass(frozen=True)
class Turn:
    """One question and its only right answer."""

    task: str
    key: str
    question: str
    answer: str


@dataclass(frozen=True)
class Case:
    """A conversation; the task is that of its last turn."""

    turns: tuple[Turn, ...]
    system: str | None = None
    task: str = ""

    def messages(self) -> list[dict[str, str]]:
        """The conversation as chat messages, up to and with the last question."""
        result = [{"role": "system", "content": self.system}] if self.system else []
        for turn in self.turns:
            result.append({"role": "user", "content": turn.question})
            result.append({"role": "assistant", "content": turn.answer})
        return result[:-1]

    @property
    def expected(self) -> str:
        """The right answer to the last question."""
        return self.turns[-1].answer


Maker = Callable[[random.Random], Turn]


def normalise(text: str) -> str:
    """Lower case without outer punctuation: two texts that differ only so have the same key."""
    return " ".join(text.lower().split()).strip(" ?.!")


def is_held_out(key: str) -> bool:
    """Whether the turn with this key belongs to the test set and never to training."""
    plain = normalise(key)
    if plain in PINNED_TO_TRAINING:
        return False
    digest = hashlib.sha256(plain.encode()).digest()
    return int.from_bytes(digest[:4], "big") % HELD_OUT_ONE_IN == 0


def draw(maker: Maker, rng: random.Random, *, held_out: bool) -> Turn:
    """The next turn of a maker that is on the wanted side of the split."""
    while True:
        turn = maker(rng)
        if is_held_out(turn.key) == held_out:
            return turn
