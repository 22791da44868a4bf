"""Models that live together never take more than there is, and shrink before one is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.memory import MemoryNeed, Part, Taken
from stoker.core.needs import Needs
from stoker.core.plan import DeviceKind, Verdict
from stoker.core.units import GIB
from stoker.planning.defaults import Wishes
from stoker.planning.proposal.choosing import SLOTS_DEFAULT
from stoker.planning.proposal.counting import count_plainly
from stoker.planning.proposal.question import Question
from stoker.planning.proposal.residing import draft_together, with_taken
from support.planning import ENTRIES, ask

SMALL = st.sampled_from([name for name, one in ENTRIES.items() if one.weights_bytes < 9 * GIB])


def judged(questions: list[Question]) -> tuple[list[Verdict], int]:
    """The verdicts in their places, and what those that fit take together."""
    taken: dict[str, int] = {}
    verdicts, total = [], 0
    for question, plan in zip(questions, draft_together(questions), strict=True):
        placed = ask_beside(question, taken).placed(count_plainly(plan), plan.model.facts)
        verdicts.append(placed.verdict)
        total += placed.need.total_bytes if placed.verdict.usable else 0
        taken = with_taken(taken, placed.need)
    return verdicts, total


def ask_beside(question: Question, taken: dict[str, int]) -> Question:
    return replace(question, taken=taken)


def test_a_set_that_fits_by_default_keeps_its_defaults() -> None:
    plans = draft_together([ask("Qwen2.5-0.5B", "server"), ask("Llama-3.1-8B", "server")])
    assert [plan.slots for plan in plans] == [SLOTS_DEFAULT, SLOTS_DEFAULT]


def test_the_first_gives_way_too_so_that_the_second_fits() -> None:
    questions = [ask("Llama-3.1-8B", "laptop"), ask("Llama-3.1-8B", "laptop")]
    plans = draft_together(questions)
    assert plans[0].slots < SLOTS_DEFAULT
    assert all(verdict.usable for verdict in judged(questions)[0])


def test_what_was_asked_for_never_gives_way() -> None:
    wishes = Wishes(context=8192, slots=4)
    questions = [ask("Llama-3.1-8B", "laptop", wishes=wishes), ask("Qwen2.5-7B", "laptop")]
    plan = draft_together(questions)[0]
    assert (plan.context, plan.slots) == (8192, 4)
    assert judged(questions)[0] == [Verdict.FITS, Verdict.DOES_NOT_FIT_NOW]


def test_a_stated_prompt_has_room_in_each_of_a_set() -> None:
    needs = Needs(prompt_tokens=3000, answer_tokens=500)
    questions = [ask("Llama-3.1-8B", "laptop", needs=needs) for _ in range(2)]
    questions = [replace(one, budget_bytes=int(10.8 * GIB)) for one in questions]
    assert [plan.context for plan in draft_together(questions)] == [3584, 3584]


def test_on_a_gpu_the_second_gets_what_the_first_leaves() -> None:
    names = ["Gemma-3-27B", "Phi-4"]
    questions = [ask(name, "gaming", gpus=True, wishes=Wishes(slots=1)) for name in names]
    taken: dict[str, int] = {}
    kinds = []
    for question, plan in zip(questions, draft_together(questions), strict=True):
        placed = ask_beside(question, taken).placed(count_plainly(plan), plan.model.facts)
        kinds.append(placed.device.kind)
        taken = with_taken(taken, placed.need)
    assert kinds == [DeviceKind.GPU, DeviceKind.SPLIT]
    assert taken["gpu0"] <= 23 * GIB


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(SMALL, min_size=1, max_size=4), st.integers(GIB, 40 * GIB))
def test_those_that_fit_never_exceed_the_budget(names: list[str], budget: int) -> None:
    questions = [ask(name, "server", budget_bytes=budget) for name in names]
    verdicts, total = judged(questions)
    assert total <= budget
    assert len(verdicts) == len(names)


def test_what_is_taken_is_counted_by_device() -> None:
    need = MemoryNeed((Taken(Part.KV, "cpu", 3), Taken(Part.KV, "gpu0", 4)), "formula")
    assert with_taken({"cpu": 1, "gpu1": 2}, need) == {"cpu": 4, "gpu1": 2, "gpu0": 4}


def test_nothing_is_planned_for_nothing() -> None:
    assert draft_together([]) == ()
