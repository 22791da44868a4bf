"""Models that were tried on the user's own tasks: what they show, and what they stand for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stoker.core.advice import LocalOption, OwnTasks
from stoker.core.machine import Machine
from stoker.core.needs import Needs, Quality
from stoker.core.plan import Verdict
from stoker.core.units import GIB, MIB
from stoker.planning.advice.tried import enough, good_enough, tried_on, with_tried
from stoker.published.judgement import load_judgement
from stoker.testing.machines import MACHINES
from support.compared import RUN, TASKS, answers, kept, model

JUDGEMENT = load_judgement()
LISTED = LocalOption("Shop", "Q4_0", Quality.GOOD, 6 * GIB, Verdict.FITS)


def option(low: float, high: float, tier: Quality | None = None) -> LocalOption:
    own = OwnTasks(9, 10, low, high, "2026-11-26")
    return replace(LISTED, tier=tier, own=own)


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [(0.9, 0.99, "yes"), (0.85, 0.95, "unclear"), (0.7, 0.9, "unclear"), (0.6, 0.89, "no")],
)
def test_a_model_is_enough_where_its_whole_interval_is(low: float, high: float, found: str) -> None:
    assert enough(option(low, high), 0.9) == found
    assert enough(LISTED, 0.9) is None


def test_tasks_know_better_than_sizes_and_sizes_count_where_tasks_cannot_tell() -> None:
    assert good_enough(option(0.95, 0.99), Quality.FRONTIER, 0.9)
    assert not good_enough(option(0.5, 0.6, Quality.BETTER), Quality.BASIC, 0.9)
    assert good_enough(option(0.8, 0.95, Quality.GOOD), Quality.GOOD, 0.9)
    assert not good_enough(option(0.8, 0.95, Quality.BASIC), Quality.GOOD, 0.9)
    assert good_enough(LISTED, Quality.GOOD, 0.9)


def test_only_comparisons_on_that_very_file_of_tasks_count() -> None:
    assert [one.model.quantization for one in tried_on([kept()], TASKS.digest)] == ["F16", "Q4_0"]
    assert tried_on([kept()], "sha256:other") == ()
    assert tried_on([kept(tasks=None)], TASKS.digest) == ()
    assert tried_on([kept(model("F16", "a", tasks=None))], TASKS.digest) == ()


def test_each_model_counts_by_its_newest_figures() -> None:
    later = kept(
        model("F16", "a"),
        model("Q4_0", "z", tasks=answers(100)),
        date="2027-01-01 00:00 UTC",
    )
    older = kept(model("F16", "a"), model("Q8_0", "c"))
    found = {one.model.quantization: one for one in tried_on([kept(), older, later], TASKS.digest)}
    assert {name: one.tasks.right for name, one in found.items()} == {
        "F16": 194,
        "Q4_0": 100,
        "Q8_0": 190,
    }
    assert found["Q4_0"].day == "2027-01-01"


def options(machine: Machine | str = "laptop", **needs: Any) -> dict[str, LocalOption]:
    computer = MACHINES[machine] if isinstance(machine, str) else machine
    tried = tried_on([kept()], TASKS.digest)
    found = with_tried([LISTED], tried, Needs(**needs), computer, JUDGEMENT)
    return {one.quantization: one for one in found}


def test_what_was_tried_takes_the_place_of_its_estimate_and_has_its_own_figures() -> None:
    found = options()
    assert set(found) == {"F16", "Q4_0"}
    q4 = found["Q4_0"]
    assert (q4.name, q4.tier, q4.fit) == ("shop", Quality.GOOD, Verdict.FITS)
    assert q4.own == OwnTasks(190, 200, 0.95 - 0.05, 1.0, "2026-11-26", "shop")
    assert found["F16"].own is not None
    assert found["F16"].own.made_of == ""
    assert q4.memory_bytes == RUN.memory_bytes + (4096 - 1024) * RUN.kv_bytes_per_token
    assert q4.stream_tok_s == RUN.decode_tok_s
    assert q4.ttft_s is not None
    assert q4.ttft_s.p50 == JUDGEMENT.prompt_tokens / 500.0


def test_another_quantization_of_the_list_stays() -> None:
    other = replace(LISTED, quantization="Q8_0")
    tried = tried_on([kept()], TASKS.digest)
    found = with_tried([LISTED, other], tried, Needs(), MACHINES["laptop"], JUDGEMENT)
    assert [one.quantization for one in found] == ["Q8_0", "F16", "Q4_0"]


def test_the_longest_name_of_the_list_is_the_models() -> None:
    names = [replace(LISTED, name=name) for name in ("Phi-4", "Phi-4-mini", "Ph")]
    lineage = replace(kept().reference.lineage, name="phi 4 mini instruct")
    one = kept(model("F16", "a", lineage=lineage), model("Q4_0", "b", lineage=lineage))
    tried = tried_on([one], TASKS.digest)
    found = with_tried(names, tried, Needs(), MACHINES["laptop"], JUDGEMENT)
    assert [one.name for one in found if one.own is None] == ["Phi-4", "Ph"]


def test_several_answers_at_a_time_take_more_and_their_speed_is_uncertain() -> None:
    alone, eight = options()["Q4_0"], options(concurrency=8)["Q4_0"]
    assert eight.memory_bytes - alone.memory_bytes == 7 * 4096 * RUN.kv_bytes_per_token
    assert eight.total_tok_s is not None
    assert (eight.total_tok_s.p10, eight.total_tok_s.p90) == (18.0, 176.0)


@pytest.mark.parametrize(
    ("total", "free", "verdict"),
    [
        (8 * GIB, 8 * GIB, Verdict.FITS),
        (8 * GIB, 510 * MIB, Verdict.TIGHT),
        (8 * GIB, 100 * MIB, Verdict.DOES_NOT_FIT_NOW),
        (200 * MIB, 100 * MIB, Verdict.CAN_NEVER_FIT),
    ],
)
def test_whether_it_fits_is_judged_by_what_it_took(total: int, free: int, verdict: Verdict) -> None:
    machine = replace(MACHINES["laptop"], memory_total_bytes=total, memory_available_bytes=free)
    assert options(machine, context=1024)["Q4_0"].fit is verdict


def test_what_was_not_run_here_has_no_speed_and_an_estimate_of_memory() -> None:
    one = kept(model("F16", "a", run=None), model("Q4_0", "b", run=None))
    tried = tried_on([one], TASKS.digest)
    found = with_tried([], tried, Needs(), MACHINES["laptop"], JUDGEMENT)[1]
    assert (found.stream_tok_s, found.prefill_tok_s, found.ttft_s) == (None, None, None)
    assert found.memory_bytes > 512 * MIB


def test_an_estimate_that_is_better_than_nothing_stays_and_gets_the_answers() -> None:
    one = kept(model("F16", "a", run=None), model("Q4_0", "b", run=None))
    tried = tried_on([one], TASKS.digest)
    whole, small = with_tried([LISTED], tried, Needs(), MACHINES["laptop"], JUDGEMENT)
    assert (small.name, small.memory_bytes) == (LISTED.name, LISTED.memory_bytes)
    assert small.own is not None
    assert whole.name == "shop"


def test_a_model_that_was_not_trained_for_so_long_a_context_is_no_option() -> None:
    assert set(options(context=8192)) == {"Q4_0"}
    assert options(context=8192)["Q4_0"] is LISTED
    assert set(options(prompt_tokens=4000, answer_tokens=300)) == {"Q4_0"}
    assert set(options(prompt_tokens=3000, answer_tokens=300)) == {"F16", "Q4_0"}
