"""The evaluation: held-out cases through the engine, exact match by task.

Owns the scoring. An answer counts only when it equals the expected text letter by letter, outer
white space aside.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.engine import Engine, running
from training.text.stream import HELD_OUT_PATH


@dataclass
class Score:
    """Right answers by task, and the wrong ones in full."""

    right: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    total: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    wrong: list[dict[str, Any]] = field(default_factory=list)

    @property
    def accuracy(self) -> float:
        """The share of all cases that are right."""
        return sum(self.right.values()) / sum(self.total.values())

    def by_task(self) -> dict[str, dict[str, float]]:
        """Right, total and percentage of each task."""
        return {
            task: {
                "right": self.right[task],
                "total": total,
                "percent": round(100 * self.right[task] / total, 1),
            }
            for task, total in self.total.items()
        }


def load_cases(path: Path = HELD_OUT_PATH) -> list[dict[str, Any]]:
    """The committed test set."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def score_cases(engine: Engine, cases: list[dict[str, Any]]) -> Score:
    """Ask every case and count exact matches."""
    score = Score()
    for case in cases:
        answer = engine.chat(case["messages"]).strip()
        score.total[case["task"]] += 1
        if answer == case["expected"]:
            score.right[case["task"]] += 1
        else:
            score.wrong.append({"id": case["id"], "expected": case["expected"], "answer": answer})
    return score


def evaluate(model: Path) -> Score:
    """Score a model file on the whole test set."""
    with running(model) as engine:
        return score_cases(engine, load_cases())
