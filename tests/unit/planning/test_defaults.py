"""The plan that nobody asked for in detail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.errors import InvalidRequestError, NotEnoughMemoryError
from stoker.core.machine import Machine
from stoker.core.model import LocalModel, ModelFacts, ModelRef, Task
from stoker.planning.defaults import (
    CONTEXT_DEFAULT,
    CONTEXT_UNKNOWN,
    ONE_THREAD_BYTES,
    Wishes,
    make_plan,
)

MACHINE = Machine(cores=6, memory_total_bytes=1 << 34, memory_available_bytes=1 << 33)


def model(*, size: int = 1 << 30, context: int = 8192) -> LocalModel:
    facts = ModelFacts("llama", 1, "Q8_0", size, context, 2, 8, 8, Task.GENERATE, True)  # noqa: FBT003
    return LocalModel(ModelRef("m"), Path("m.gguf"), facts)


@pytest.mark.parametrize(
    ("trained", "planned"), [(8192, CONTEXT_DEFAULT), (512, 512), (0, CONTEXT_UNKNOWN)]
)
def test_the_context_is_what_the_model_knows_within_reason(trained: int, planned: int) -> None:
    assert make_plan(model(context=trained), MACHINE, Wishes(), slots_default=3).context == planned


def test_a_large_model_gets_every_core_and_a_tiny_one_a_single_thread() -> None:
    assert make_plan(model(), MACHINE, Wishes(), slots_default=3).threads == 6
    tiny = model(size=ONE_THREAD_BYTES - 1)
    assert make_plan(tiny, MACHINE, Wishes(), slots_default=3).threads == 1


def test_efficiency_cores_get_no_thread() -> None:
    hybrid = replace(MACHINE, efficiency_cores=4)
    assert make_plan(model(), hybrid, Wishes(), slots_default=3).threads == 2


def test_wishes_are_kept() -> None:
    plan = make_plan(model(), MACHINE, Wishes(context=100, slots=2, threads=1), slots_default=3)
    assert (plan.context, plan.slots, plan.threads) == (100, 2, 1)


@pytest.mark.parametrize(
    "wishes", [Wishes(context=8193), Wishes(context=0), Wishes(slots=257), Wishes(threads=-1)]
)
def test_a_wish_out_of_bounds_is_refused(wishes: Wishes) -> None:
    with pytest.raises(InvalidRequestError):
        make_plan(model(), MACHINE, wishes, slots_default=1)


def test_weights_beyond_the_free_memory_are_refused_with_both_figures() -> None:
    with pytest.raises(NotEnoughMemoryError, match=r"16.* GiB of weights and 8.* GiB"):
        make_plan(model(size=1 << 34), MACHINE, Wishes(), slots_default=1)


def test_a_context_that_is_too_long_is_refused_in_words_for_flags_and_for_needs() -> None:
    with pytest.raises(InvalidRequestError) as raised:
        make_plan(model(context=1024), MACHINE, Wishes(context=8192), slots_default=1)
    assert "1024 or less: --ctx, or `context` in the needs" in (raised.value.hint or "")
