"""The training stream and the held-out test set.

Owns the mixture of tasks. Both come from the same makers with different seeds, and the split of
`case` keeps them apart.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from training.text import arithmetic, chat, classify, faq, reading, refusal
from training.text.case import Case, Maker, Turn, draw

TRAIN_SEED = 20_260
HELD_OUT_SEED = 7
HELD_OUT_PATH = Path(__file__).parents[1] / "data" / "heldout.jsonl"
HELD_OUT_PER_TASK = 36

MAKERS: dict[str, tuple[Maker, float]] = {
    "closed_book": (faq.faq, 3.0),
    "overview": (faq.overview, 0.08),
    "extract_order_number": (partial(reading.extract, "order_number"), 1.0),
    "extract_city": (partial(reading.extract, "city"), 1.4),
    "extract_amount": (partial(reading.extract, "amount"), 1.0),
    "extract_date": (partial(reading.extract, "date"), 1.0),
    "extract_name": (partial(reading.extract, "name"), 1.4),
    "extract_json": (reading.extract_json, 2.4),
    "repeat": (reading.repeat, 3.0),
    "intent": (classify.intent, 0.9),
    "sentiment": (classify.sentiment, 0.9),
    "personal_data": (classify.personal_data, 0.9),
    "addition": (arithmetic.addition, 3.2),
    "subtraction": (arithmetic.subtraction, 3.2),
    "multiplication": (arithmetic.multiplication, 0.8),
    "refund_rule": (arithmetic.refund_rule, 0.6),
    "refusal": (refusal.out_of_scope, 1.2),
    "small_talk": (refusal.small_talk, 0.5),
}
# Small talk has too few wordings for a test of its own, the overview only one answer.
UNTESTED = ("overview", "small_talk")
# Arithmetic is learned last and needs the most examples: the second phase gives it more room.
LATE_FACTORS = {"addition": 4.0, "subtraction": 4.0, "multiplication": 3.0}
# The long overview weighs little for each token, so a short last phase shows it often.
LAST_FACTORS = LATE_FACTORS | {"overview": 60.0}
RECALL_SHARE = 0.05
CHAT_SHARE = 0.22


class Mixture:
    """Draws training conversations, each task by its weight."""

    def __init__(self, factors: dict[str, float] | None = None) -> None:
        factors = factors or {}
        self._names = list(MAKERS)
        self._weights = [MAKERS[n][1] * factors.get(n, 1.0) for n in self._names]

    def any_turn(self, rng: random.Random) -> Turn:
        """A turn of a task drawn by weight."""
        name = rng.choices(self._names, self._weights)[0]
        return MAKERS[name][0](rng)

    def short_turn(self, rng: random.Random) -> Turn:
        """A turn that is not the overview, which would fill a conversation alone."""
        while (turn := self.any_turn(rng)).task == "overview":
            pass
        return turn

    def case(self, rng: random.Random) -> Case:
        """One training conversation."""
        roll = rng.random()
        if roll < RECALL_SHARE:
            return chat.recall(rng, self.short_turn, held_out=False)
        if roll < RECALL_SHARE + CHAT_SHARE:
            return chat.conversation(rng, self.short_turn, rng.choice([2, 2, 3]), held_out=False)
        return chat.conversation(rng, self.any_turn, 1, held_out=False)

    def long_case(self, rng: random.Random) -> Case:
        """A long training conversation, for the far positions of the context."""
        return chat.conversation(rng, self.short_turn, rng.randint(6, 12), held_out=False)


def training_stream(seed: int = TRAIN_SEED, mixture: Mixture | None = None) -> Iterator[Case]:
    """Endless training conversations; the same seed and mixture give the same stream."""
    rng = random.Random(seed)
    mixture = mixture or Mixture()
    while True:
        yield mixture.case(rng)


def held_out_cases(seed: int = HELD_OUT_SEED, per_task: int = HELD_OUT_PER_TASK) -> list[Case]:
    """The test set: as many cases for each tested task, single-turn, and two kinds of chat."""
    rng = random.Random(seed)
    cases: list[Case] = []
    for name, (maker, _) in MAKERS.items():
        if name not in UNTESTED:
            cases += distinct_turns(rng, maker, per_task)
    for _ in range(per_task):
        cases.append(chat.recall(rng, Mixture().short_turn, held_out=True))
        case = chat.conversation(rng, tested_turn, rng.choice([2, 3]), held_out=True)
        cases.append(Case(case.turns, case.system, "chat"))
    return cases


def distinct_turns(rng: random.Random, maker: Maker, count: int) -> list[Case]:
    """Held-out cases of one task, no question twice."""
    turns: dict[str, Turn] = {}
    while len(turns) < count:
        turn = draw(maker, rng, held_out=True)
        turns.setdefault(turn.question, turn)
    return [Case((turn,), None, turn.task) for turn in turns.values()]


def tested_turn(rng: random.Random) -> Turn:
    """A turn of a tested task, each task as likely as the other."""
    return MAKERS[rng.choice([n for n in MAKERS if n not in UNTESTED])][0](rng)


def held_out_lines() -> list[str]:
    """The test set as JSON lines: id, task, messages, expected, match."""
    lines = []
    for number, case in enumerate(held_out_cases(), start=1):
        record = {
            "id": f"{case.task}-{number:04d}",
            "task": case.task,
            "messages": case.messages(),
            "expected": case.expected,
            "match": "exact",
        }
        lines.append(json.dumps(record, ensure_ascii=False))
    return lines


def write_held_out(path: Path = HELD_OUT_PATH) -> None:
    """Write the test set where it is committed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(held_out_lines()) + "\n", encoding="utf-8")
