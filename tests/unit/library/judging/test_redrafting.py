"""What an engine counts decides: a plan that was drafted by formula gives way where it is more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stoker.core.memory import MemoryNeed, Part
from stoker.core.plan import Plan, Verdict
from stoker.core.proposal import Proposal
from stoker.core.units import MIB
from stoker.library.judging.planning import REDRAFTS_MAX, Order, plan_models
from stoker.planning.defaults import Wishes
from stoker.planning.proposal.counting import ENGINE, count_plainly
from stoker.testing.machines import MACHINES

Engine = Callable[[float], list[Plan]]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """`engine(factor)`: one that finds so many times the formula's cache; what it was asked."""
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))

    def install(factor: float) -> list[Plan]:
        asked: list[Plan] = []

        async def count_memory(plan: Plan, *_: Any, **__: Any) -> MemoryNeed:
            asked.append(plan)
            parts = (one for one in count_plainly(plan).taken if one.part in COUNTED)
            return MemoryNeed(tuple(_grown(one, factor) for one in parts), ENGINE)

        monkeypatch.setattr("stoker.library.judging.planning.count_memory", count_memory)
        return asked

    return install


COUNTED = (Part.WEIGHTS, Part.KV, Part.COMPUTE, Part.OUTPUT)


def _grown(one: Any, factor: float) -> Any:
    return replace(one, size_bytes=int(one.size_bytes * factor)) if one.part is Part.KV else one


def proposed(**more: Any) -> Proposal:
    order = Order(("starter",), budget_bytes=120 * MIB, machine=MACHINES["laptop"], **more)
    return plan_models(order)[0].proposals[0]


def test_a_plan_that_the_engine_finds_too_large_is_made_smaller_and_counted_again(
    engine: Engine,
) -> None:
    first = proposed_with(engine, 1)
    asked = engine(6)
    proposal = proposed()
    assert proposal.verdict is Verdict.FITS
    assert proposal.plan.slots < first.plan.slots
    assert proposal.plan == asked[-1]
    assert proposal.need.source == ENGINE
    assert 1 < len(asked) <= 1 + REDRAFTS_MAX
    assert proposal.need.kv_bytes == int(count_plainly(proposal.plan).kv_bytes * 6)


def proposed_with(engine: Engine, factor: float) -> Proposal:
    engine(factor)
    return proposed()


def test_where_the_engine_agrees_it_is_asked_once(engine: Engine) -> None:
    asked = engine(1)
    proposed()
    assert len(asked) == 1


def test_what_was_asked_for_does_not_give_way(engine: Engine) -> None:
    asked = engine(6)
    proposal = proposed(wishes=Wishes(context=1024, slots=4))
    assert len(asked) == 1
    assert not proposal.verdict.usable
    assert proposal.changes[0].value in {"1", "2", "3"}
