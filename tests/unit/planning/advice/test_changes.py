"""What is said to change the answer does change it, and nothing smaller does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from stoker.core.advice import Advice, Answer
from stoker.core.machine import Machine
from stoker.core.needs import DataPlace, Needs, Operations, Quality
from stoker.planning.advice.changes import find_changes, find_pairs
from stoker.testing.machines import MACHINES

LAPTOP = MACHINES["laptop"]


def from_volume(least: float) -> Callable[[Needs, Machine], Answer]:
    def ask(needs: Needs, machine: Machine) -> Answer:
        return Answer.LOCAL if (needs.requests_per_day or 0) >= least else Answer.API

    return ask


@pytest.mark.parametrize(("stated", "least", "told"), [(50, 3_781, 3_800), (100, 9.05e6, 9.1e6)])
def test_the_volume_from_which_on_the_answer_is_another_is_found(
    stated: float, least: float, told: float
) -> None:
    needs = Needs(requests_per_day=stated)
    (change,) = find_changes(needs, LAPTOP, Answer.API, from_volume(least))
    assert (change.need, float(change.value), change.answer) == ("volume", told, Answer.LOCAL)
    assert from_volume(least)(replace(needs, requests_per_day=told), LAPTOP) is Answer.LOCAL


@pytest.mark.parametrize("stated", [1.0e7, 2.5e7, 9.9e11])
def test_a_volume_beyond_all_others_is_never_lessened_by_more(stated: float) -> None:
    """A volume that is too much changes downwards only, however large it is."""

    def ask(needs: Needs, machine: Machine) -> Answer:
        return Answer.LOCAL if (needs.requests_per_day or 0) < 5_000 else Answer.API

    (change,) = find_changes(Needs(requests_per_day=stated), LAPTOP, Answer.API, ask)
    assert (float(change.value), change.answer) == (4_900, Answer.LOCAL)
    assert change.say.endswith("or fewer came: local.")


def test_beyond_all_others_there_may_be_another_answer_still() -> None:
    needs = Needs(requests_per_day=2e7)
    (change,) = find_changes(needs, LAPTOP, Answer.API, from_volume(3.75e8))
    assert change.say == "If about 380,000,000 requests a day or more came: local."


def test_the_volume_down_to_which_the_answer_is_another_is_rounded_down() -> None:
    needs = Needs(requests_per_day=50_000)
    (change,) = find_changes(needs, LAPTOP, Answer.LOCAL, from_volume(3_781))
    assert (float(change.value), change.answer) == (3_700, Answer.API)
    assert change.say == "If about 3,700 requests a day or fewer came: an API."


def test_a_volume_that_nobody_stated_is_tried_in_round_numbers() -> None:
    (change,) = find_changes(Needs(), LAPTOP, Answer.API, from_volume(3_781))
    assert change.value == "10000"


def test_no_change_is_told_where_none_changes_anything() -> None:
    assert find_changes(Needs(), LAPTOP, Answer.API, lambda *_: Answer.API) == ()


def test_the_smallest_change_of_a_need_is_told() -> None:
    def ask(needs: Needs, machine: Machine) -> Answer:
        small = machine.memory_total_bytes < 3 * LAPTOP.memory_total_bytes
        return Answer.CONTRADICTION if small else Answer.LOCAL

    (change,) = find_changes(Needs(), LAPTOP, Answer.CONTRADICTION, ask)
    assert (change.need, change.value) == ("memory", "x4")


def test_two_needs_are_changed_together_where_one_is_not_enough() -> None:
    def ask(needs: Needs, machine: Machine) -> Answer:
        loose = needs.data is DataPlace.ANYWHERE and not needs.offline
        return Answer.API if loose else Answer.CONTRADICTION

    needs = Needs(data=DataPlace.MACHINE, offline=True)
    assert find_changes(needs, LAPTOP, Answer.CONTRADICTION, ask) == ()
    (pair,) = find_pairs(needs, LAPTOP, ask)
    assert pair.say == "If data might go anywhere and it need not work offline: an API."


CASES = [
    (Needs(data=DataPlace.MACHINE, quality=Quality.FRONTIER), "board"),
    (Needs(data=DataPlace.MIXED, operations=Operations.WEAK), "laptop"),
    (Needs(requests_per_day=2_000, operations=Operations.STRONG), "gaming"),
    (Needs(data=DataPlace.MACHINE, quality=Quality.BETTER, offline=True), "laptop"),
]


@pytest.mark.parametrize(("needs", "machine"), CASES)
def test_each_change_of_one_need_leads_where_it_says(
    needs: Needs, machine: str, advised: Callable[..., Advice]
) -> None:
    advice = advised(needs, machine)
    fields = {"data": DataPlace, "quality": Quality, "operations": Operations}
    tried = [change for change in advice.changes if change.need in fields]
    for change in tried:
        changed = replace(needs, **{change.need: fields[change.need](change.value)})
        assert advised(changed, machine).answer is change.answer
    assert tried


def test_frontier_on_a_small_machine_that_keeps_its_data_says_which_needs_to_relax(
    advised: Callable[..., Advice],
) -> None:
    advice = advised(Needs(data=DataPlace.MACHINE, quality=Quality.FRONTIER), "board")
    assert advice.answer is Answer.CONTRADICTION
    assert {(one.need, one.value, one.answer) for one in advice.changes} == {
        ("data", "mixed", Answer.HYBRID),
        ("data", "anywhere", Answer.API),
        ("quality", "basic", Answer.LOCAL),
    }


def test_two_needs_that_both_forbid_are_relaxed_together(advised: Callable[..., Advice]) -> None:
    needs = Needs(data=DataPlace.MACHINE, offline=True, quality=Quality.FRONTIER, tok_s_min=999)
    advice = advised(needs, "board")
    assert advice.answer is Answer.CONTRADICTION
    assert all(" and " in change.say for change in advice.changes)
    assert advice.changes
