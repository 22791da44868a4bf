"""What `stoker compare` asks the starter model by default, and the answers that it scores.

Owns the two files that are shipped with the package. Both hold held-out cases only: the tasks are
the first of the test set, the scored answers are drawn with a seed of their own and share no
conversation with the tasks.

    python -m training.text.comparison
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from training.text.case import Case
from training.text.stream import held_out_cases

COMPARING = Path(__file__).parents[2] / "src" / "stoker" / "comparing"
TASKS_PATH = COMPARING / "starter_tasks.jsonl"
TEXT_PATH = COMPARING / "starter_text.jsonl"
TASKS_EACH = 20
TEXT_SEED = 11
TEXT_EACH = 16
# White space and the order of fields are no part of a right answer in JSON.
_MATCH = {"extract_json": "json"}


def task_cases() -> list[Case]:
    """As many held-out cases of each kind, in the order of the test set."""
    return _first(held_out_cases(), TASKS_EACH, frozenset())


def text_cases() -> list[Case]:
    """Other held-out cases, as many of each kind."""
    asked = frozenset(_key(case) for case in task_cases())
    drawn = held_out_cases(TEXT_SEED, 2 * TEXT_EACH)
    return _first(drawn, TEXT_EACH, asked)


def lines_of(cases: list[Case]) -> list[str]:
    """The cases as tasks, one JSON object each."""
    return [json.dumps(_record(case), ensure_ascii=False) for case in cases]


def _first(cases: list[Case], each: int, without: frozenset[str]) -> list[Case]:
    kept: list[Case] = []
    counts: Counter[str] = Counter()
    for case in cases:
        if counts[case.task] < each and _key(case) not in without:
            counts[case.task] += 1
            kept.append(case)
    return kept


def _key(case: Case) -> str:
    return json.dumps(case.messages())


def _record(case: Case) -> dict[str, Any]:
    messages = case.messages()
    alone = len(messages) == 1
    asked = {"prompt": messages[0]["content"]} if alone else {"messages": messages}
    match = _MATCH.get(case.task, "exact")
    return {**asked, "expected": case.expected, "match": match, "category": case.task}


def main() -> None:
    """Write both files where they are committed."""
    for path, cases in ((TASKS_PATH, task_cases()), (TEXT_PATH, text_cases())):
        path.write_text("\n".join(lines_of(cases)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
