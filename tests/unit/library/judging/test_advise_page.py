"""docs/advise.md shows what is really answered.

Run as a program it writes the answers anew.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from stoker.cli.pages.advice_text import render
from stoker.core.advice import Answer
from stoker.core.units import GIB
from stoker.library.judging.advising import suggest_runtime
from stoker.testing.machines import MACHINES

PAGE = Path(__file__).parents[4] / "docs" / "advise.md"
CASE = re.compile(r"On `(\w+)`:\n\n```toml\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
CASES = CASE.findall(PAGE.read_text())


def answered(machine: str, needs: str) -> str:
    advice = suggest_runtime(tomllib.loads(needs), machine=MACHINES[machine])
    return "\n".join(render(advice)) + "\n"


@pytest.mark.parametrize(("machine", "needs", "shown"), CASES, ids=[case[0] for case in CASES])
def test_the_page_shows_what_is_answered(machine: str, needs: str, shown: str) -> None:
    assert answered(machine, needs) == shown


def test_the_three_cases_have_three_answers() -> None:
    answers = [
        suggest_runtime(tomllib.loads(needs), machine=MACHINES[machine]).answer
        for machine, needs, _ in CASES
    ]
    assert answers == [Answer.HYBRID, Answer.LOCAL, Answer.CONTRADICTION]


def test_the_machines_have_the_figures_that_the_page_shows() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\S+) GiB \| (\S+) GiB \| (\S+) GB/s \| (\S+)", *_page())
    assert {row[0] for row in rows} == {case[0] for case in CASES}
    for name, total, free, read, tera in rows:
        machine = MACHINES[name]
        assert machine.memory_total_bytes == float(total) * GIB
        assert machine.memory_available_bytes == float(free) * GIB
        assert machine.measured.read_bytes_s_all == float(read) * 1e9
        assert machine.measured.matmul_ops_s == (("f16", float(tera) * 1e12),)


def _page() -> tuple[str, int]:
    return PAGE.read_text(), re.MULTILINE


def write_anew() -> None:
    def fresh(case: re.Match[str]) -> str:
        shown = case.group(0)[: case.start(3) - case.start(0)]
        return f"{shown}{answered(case.group(1), case.group(2))}```"

    PAGE.write_text(CASE.sub(fresh, PAGE.read_text()))


if __name__ == "__main__":
    write_anew()
