"""What is predicted is the planner's resident memory; nothing where a header says too little."""

from __future__ import annotations

from dataclasses import replace

from stoker.comparing.memory import PLANNED, planned_bytes
from stoker.core.plan import Plan
from stoker.models.catalogue import starter
from stoker.planning.memory.formula import count, resident_bytes


def plan(context: int = 1024, **facts: object) -> Plan:
    model = starter()
    known = replace(model.facts, **facts)  # type: ignore[arg-type]
    return Plan(replace(model, facts=known), "llamacpp", context, 1, threads=1)


def test_it_is_the_planners_resident_memory() -> None:
    assert planned_bytes(plan()) == resident_bytes(count(plan()), plan(), full=True)
    assert PLANNED.bytes_of(plan(2048)) > PLANNED.bytes_of(plan())


def test_a_header_that_says_too_little_has_no_prediction() -> None:
    assert planned_bytes(plan(heads=0, head_length_k=0, head_length_v=0, kv_heads=())) is None
