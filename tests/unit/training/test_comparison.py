"""What `stoker compare` asks by default is what the generator makes, and was never trained on."""

from __future__ import annotations

from pathlib import Path

import pytest
from training.text import comparison
from training.text.case import Case, is_held_out


@pytest.mark.parametrize(
    ("path", "cases"),
    [
        (comparison.TASKS_PATH, comparison.task_cases),
        (comparison.TEXT_PATH, comparison.text_cases),
    ],
    ids=["tasks", "text"],
)
def test_a_committed_file_is_what_the_generator_makes(path: Path, cases: object) -> None:
    made: list[Case] = cases()  # type: ignore[operator]
    assert path.read_text(encoding="utf-8").splitlines() == comparison.lines_of(made)
    assert all(is_held_out(case.turns[-1].key) for case in made)
