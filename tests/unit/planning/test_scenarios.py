"""What people ask and what they are told: needs, machine, answer and the rule that decides.

Read the table from left to right; needs are short words, told apart in `WORDS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stoker.core.advice import Advice, Answer
from stoker.core.costs import LocalCosts
from stoker.core.needs import DataPlace, Needs, Operations, Quality, Stage
from stoker.planning.advice.tried import tried_on
from support.compared import answers, kept, model

OWNED = LocalCosts(purchase_usd=0, usd_per_kwh=0.30, person_hours_month=0, usd_per_person_hour=0)
BOUGHT = LocalCosts(
    purchase_usd=2500, usd_per_kwh=0.30, person_hours_month=2, usd_per_person_hour=60
)
# The user's own tasks, and how a small model of 4 bits did on them.
TASKS = {"tasks": True, "compare_command": "stoker compare MODEL... --tasks mine.jsonl"}


def tried(right: int) -> dict[str, Any]:
    """A model of 8 B in 16 and in 4 bits, both with so many of 200 tasks right."""
    score = answers(right)
    both = kept(model("F16", "a", tasks=score), model("Q4_0", "b", tasks=score))
    return {"tried": tried_on([both], both.tasks.digest)} | TASKS


WORDS: dict[str, dict[str, Any]] = {
    **{f"data:{place}": {"data": place} for place in DataPlace},
    **{f"{tier}": {"quality": tier} for tier in Quality},
    **{f"ops:{kind}": {"operations": kind} for kind in Operations},
    "offline": {"offline": True},
    "prototype": {"stage": Stage.PROTOTYPE},
    "first:0.2s": {"ttft_s_max": 0.2},
    "first:2s": {"ttft_s_max": 2.0},
    "first:60s": {"ttft_s_max": 60.0},
    "5tok/s": {"tok_s_min": 5.0},
    "50tok/s": {"tok_s_min": 50.0},
    "200tok/s": {"tok_s_min": 200.0},
    "999tok/s": {"tok_s_min": 999.0},
    "50/day": {"requests_per_day": 50},
    "1k/day": {"requests_per_day": 1_000},
    "2k/day": {"requests_per_day": 2_000},
    "5k/day": {"requests_per_day": 5_000},
    "10k/day": {"requests_per_day": 10_000},
    "50k/day": {"requests_per_day": 50_000},
    "1M/day": {"requests_per_day": 1_000_000},
    "8 at once": {"concurrency": 8},
    "32k context": {"context": 32_768},
    "$10": {"budget_usd_month": 10.0},
    "$50": {"budget_usd_month": 50.0},
    "$500": {"budget_usd_month": 500.0},
    "owned": {"costs": OWNED},
    "bought": {"costs": BOUGHT},
    "tasks": TASKS,
    "tasks:98%": tried(196),
    "tasks:90%": tried(180),
    "tasks:50%": tried(100),
    "right:90%": {"right_share_least": 0.9},
}
# fmt: off
TABLE = """
# Where data may go comes first, and what works offline
data:machine                            | laptop     | local         | data-stays-on-this-machine
data:machine ops:none                   | laptop     | local         | data-stays-on-this-machine
data:machine prototype                  | laptop     | local         | data-stays-on-this-machine
data:machine 50/day                     | laptop     | local         | data-stays-on-this-machine
data:machine basic                      | board      | local         | data-stays-on-this-machine
data:machine better                     | gaming     | local         | data-stays-on-this-machine
data:machine 10k/day bought             | gaming     | local         | data-stays-on-this-machine
data:network                            | laptop     | local         | data-stays-in-the-network
data:network ops:weak better            | mac        | local         | data-stays-in-the-network
data:anywhere offline                   | laptop     | local         | works-offline
data:anywhere offline prototype ops:none| laptop     | local         | works-offline
data:mixed offline ops:weak             | laptop     | local         | works-offline
data:machine offline basic first:60s    | board      | local         | data-stays-on-this-machine

# Some data stays: what few hands can do, and what is good enough here
data:mixed ops:weak                     | laptop     | hybrid        | mixed-data-and-few-hands
data:mixed ops:none                     | laptop     | hybrid        | mixed-data-and-few-hands
data:mixed ops:weak better 2k/day       | laptop     | hybrid        | some-data-stays
data:mixed ops:weak prototype           | laptop     | hybrid        | mixed-data-and-few-hands
data:mixed ops:strong                   | laptop     | local         | mixed-data-good-enough-here
data:mixed                              | desktop    | local         | mixed-data-good-enough-here
data:mixed ops:strong frontier          | server     | hybrid        | some-data-stays
data:mixed ops:strong better            | board      | hybrid        | some-data-stays
data:mixed ops:strong 1M/day            | gaming     | hybrid        | some-data-stays

# Nothing forbids an API: prototypes, few hands and small volumes
prototype                               | gaming     | api           | prototype-first
prototype ops:strong 10k/day            | gaming     | api           | prototype-first
prototype frontier                      | board      | api           | quality-out-of-reach
ops:none 10k/day                        | gaming     | api           | nobody-looks-after-it
ops:strong 50/day owned                 | gaming     | api           | small-volume-priced
ops:strong 50/day basic                 | board      | api           | small-volume-priced
50/day basic                            | laptop     | api           | small-volume-priced
                                        | gaming     | api           | nothing-asks-for-a-machine
ops:strong                              | gaming     | api           | nothing-asks-for-a-machine
ops:weak 2k/day                         | gaming     | api           | nothing-asks-for-a-machine
ops:weak 1k/day                         | laptop     | api           | too-much-for-this-machine

# Costs, where they are known
ops:strong 10k/day owned                | gaming     | local         | local-is-cheaper
ops:weak 2k/day better owned            | gaming     | local         | local-is-cheaper
ops:strong 5k/day better 8 at once bought| gaming     | local         | local-is-cheaper
ops:strong 2k/day bought                | gaming     | api           | api-is-cheaper
ops:weak 50k/day 8 at once              | gaming     | local         | large-bill
ops:strong 2k/day                       | gaming     | local         | hands-and-a-machine
ops:strong 10k/day $500                 | gaming     | local         | hands-and-a-machine
ops:strong 10k/day owned $50            | gaming     | local         | api-over-budget
ops:strong 2k/day bought $50            | gaming     | contradiction | local-over-budget
ops:strong 1k/day bought $50            | gaming     | api           | local-over-budget

# What this machine cannot do
frontier                                | server     | api           | quality-out-of-reach
ops:strong frontier 50k/day             | gaming     | api           | quality-out-of-reach
ops:strong 10k/day                      | full       | api           | nothing-fits
ops:strong 32k context better           | laptop     | api           | quality-out-of-reach
ops:strong 10k/day 50tok/s              | laptop     | api           | too-slow-here
ops:strong 1M/day                       | gaming     | api           | too-much-for-this-machine
ops:strong 200tok/s                     | gaming     | local         | api-too-slow
ops:strong 999tok/s                     | gaming     | contradiction | too-slow-here
first:0.2s basic                        | gaming     | local         | api-too-slow

# Needs that contradict each other
data:machine frontier                   | board      | contradiction | data-stays-on-this-machine
data:machine frontier                   | server     | contradiction | data-stays-on-this-machine
data:machine better                     | laptop     | contradiction | data-stays-on-this-machine
offline frontier                        | gaming     | contradiction | works-offline
data:machine                            | full       | contradiction | data-stays-on-this-machine
data:machine first:2s 50tok/s           | laptop     | contradiction | data-stays-on-this-machine
data:machine 50k/day                    | laptop     | contradiction | data-stays-on-this-machine
data:machine 1k/day bought $50          | gaming     | contradiction | data-stays-on-this-machine
data:mixed                              | full       | contradiction | some-data-stays
data:mixed ops:weak frontier first:0.2s | gaming     | contradiction | some-data-stays
frontier 10k/day $10                    | gaming     | contradiction | quality-out-of-reach

# The user's own tasks know better than sizes: is the small model already enough?
tasks:98%                               | laptop     | local         | small-model-is-enough
tasks:98% frontier                      | laptop     | local         | small-model-is-enough
tasks:98% ops:weak 50/day               | laptop     | local         | small-model-is-enough
tasks:98% prototype                     | laptop     | local         | small-model-is-enough
tasks:98% data:mixed ops:weak           | laptop     | local         | small-model-is-enough
tasks:98% right:90%                     | laptop     | local         | small-model-is-enough
tasks:98% data:machine frontier         | laptop     | local         | data-stays-on-this-machine
tasks:98% offline frontier              | laptop     | local         | works-offline
tasks:98% ops:none                      | laptop     | api           | nobody-looks-after-it
tasks:98% data:mixed ops:none           | laptop     | hybrid        | mixed-data-and-few-hands
tasks:98% ops:weak 50/day bought        | laptop     | api           | small-volume-priced
tasks                                   | laptop     | api           | nothing-asks-for-a-machine
tasks data:machine                      | laptop     | local         | data-stays-on-this-machine
tasks:90%                               | laptop     | api           | nothing-asks-for-a-machine
tasks:50%                               | laptop     | api           | nothing-asks-for-a-machine
tasks:50% data:machine frontier         | small      | local         | data-stays-on-this-machine
tasks:50% right:90% data:machine        | small      | contradiction | data-stays-on-this-machine

# Unknown stays unknown: nothing is decided by a speed that nobody measured
data:machine first:2s 10k/day           | unmeasured | local         | data-stays-on-this-machine
ops:strong 10k/day owned                | unmeasured | local         | hands-and-a-machine
"""
# fmt: on
ROWS = [
    tuple(cell.strip() for cell in line.split("|"))
    for line in TABLE.splitlines()
    if line.strip() and not line.startswith("#")
]


def read_words(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Needs, and options of the case."""
    for phrase in ("8 at once", "32k context"):
        text = text.replace(phrase, phrase.replace(" ", "_"))
    stated: dict[str, Any] = {}
    for word in text.split():
        stated |= WORDS[word.replace("_", " ")]
    of_case = ("costs", "tasks", "tried", "compare_command")
    options = {name: stated.pop(name) for name in of_case if name in stated}
    return stated, options


@pytest.mark.parametrize(("words", "machine", "answer", "rule"), ROWS)
def test_the_answer_and_the_rule_that_decides(
    words: str, machine: str, answer: str, rule: str, advised: Callable[..., Advice]
) -> None:
    needs, options = read_words(words)
    if machine == "small":  # nothing of the catalogue fits, only what was tried
        options["estimate"] = lambda *_: ()
        machine = "laptop"
    advice = advised(Needs(**needs), machine, **options)
    assert (advice.answer.value, advice.decided_by) == (answer, rule)


def test_there_are_at_least_forty_scenarios() -> None:
    assert len({row[:2] for row in ROWS}) == len(ROWS) >= 40


def test_every_answer_and_every_preference_has_a_scenario() -> None:
    assert {row[2] for row in ROWS} == {one.value for one in Answer}
