"""What surrounds a plan: stated needs that contradict each other hide no plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.errors import ContradictoryNeedsError
from stoker.core.units import GIB
from stoker.library.judging.constraints import read_constraints
from stoker.library.judging.costing import StatedNeeds
from stoker.library.judging.planning import Order, look_around, what_runs
from stoker.testing.machines import MACHINES

SMALL = replace(
    MACHINES["laptop"], memory_total_bytes=4 * GIB, memory_available_bytes=4 * GIB, gpus=()
)


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Order:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path))
    stated = StatedNeeds(read_constraints({"data": "machine", "quality": "frontier"}))
    return Order(("starter",), machine=SMALL, stated=stated)


def test_a_contradiction_is_kept_for_those_who_show_a_plan(order: Order) -> None:
    around = look_around(order)
    assert around.contradiction is not None
    assert "quality" in around.contradiction.hint
    assert around.api is None


def test_without_a_model_there_is_no_plan_to_show_and_it_is_raised(order: Order) -> None:
    with pytest.raises(ContradictoryNeedsError):
        what_runs(replace(order, models=()))
