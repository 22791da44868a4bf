"""Advice weighs models with the figures that a list of what a machine can run has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stoker.core.advice import LocalOption
from stoker.core.machine import Machine
from stoker.core.needs import Needs, Quality
from stoker.core.plan import Verdict
from stoker.core.speed import SpeedSource
from stoker.core.units import GIB
from stoker.library.judging.speeds import estimate_elsewhere
from stoker.planning.defaults import SLOTS_MAX, Wishes
from stoker.planning.proposal.listing import list_models
from stoker.planning.proposal.weighing import sizing, slots_for, weigh
from stoker.published.figures import load_losses
from stoker.published.judgement import load_judgement
from stoker.testing.machines import MACHINES, make_machine, make_measured
from support.planning import CATALOGUE, ask

JUDGEMENT = load_judgement()


def options_on(machine: Machine | str, needs: Needs | None = None) -> dict[str, LocalOption]:
    computer = MACHINES[machine] if isinstance(machine, str) else machine
    asked = sizing(needs or Needs(), JUDGEMENT)
    found = weigh(CATALOGUE, asked, computer, estimate_elsewhere, gpus=True)
    return {one.name: one for one in found}


@pytest.mark.slow
@pytest.mark.parametrize("machine", ["laptop", "gaming", "mac", "unmeasured"])
@pytest.mark.parametrize("needs", [Needs(), Needs(concurrency=4, context=16_384)])
def test_advice_and_the_list_of_what_runs_say_the_same(machine: str, needs: Needs) -> None:
    asked = sizing(needs, JUDGEMENT)
    question = ask(machine=machine, gpus=True, needs=asked, wishes=Wishes(slots=slots_for(asked)))
    rows = {
        (row.name, row.quantization): row for row in list_models(question, CATALOGUE, load_losses())
    }
    options = options_on(machine, needs)
    assert len(options) == len(CATALOGUE)
    for option in options.values():
        row = rows[option.name, option.quantization]
        assert (option.memory_bytes, option.fit) == (row.total_bytes, row.verdict)
        assert (option.device, option.tier) == (row.device.kind.value, row.tier)
        assert option.total_tok_s == row.speed.total_tok_s
        assert (option.prefill_tok_s, option.ttft_s) == (row.speed.prefill_tok_s, row.ttft_s)
        assert option.speed_source is row.speed.source_of("total_tok_s")
        if needs.concurrency == 1:
            assert option.stream_tok_s == row.decode_tok_s


def test_only_what_memory_and_speed_depend_on_is_taken_of_needs() -> None:
    needs = Needs(quality=Quality.BETTER, requests_per_day=9, concurrency=3, prompt_tokens=6000)
    asked = sizing(needs, JUDGEMENT)
    assert asked == Needs(
        prompt_tokens=6000,
        answer_tokens=JUDGEMENT.answer_tokens,
        concurrency=3,
        context=6000 + JUDGEMENT.answer_tokens,
    )
    assert sizing(replace(needs, requests_per_day=10_000), JUDGEMENT) == asked
    assert sizing(asked, JUDGEMENT) == asked


def test_what_nobody_measured_stays_unknown() -> None:
    for option in options_on("unmeasured").values():
        assert (option.stream_tok_s, option.total_tok_s) == (None, None)
        assert (option.prefill_tok_s, option.ttft_s) == (None, None)
        assert option.speed_source is SpeedSource.UNKNOWN


def test_the_four_fits() -> None:
    machine = make_machine("m", (16, 6.1), make_measured(50, 1))
    fits = {name: one.fit for name, one in options_on(machine).items()}
    assert fits["Qwen2.5-1.5B"] is Verdict.FITS
    assert fits["Llama-3.1-8B"] is Verdict.TIGHT
    assert fits["Phi-4"] is Verdict.DOES_NOT_FIT_NOW
    assert fits["Llama-3.1-70B"] is Verdict.CAN_NEVER_FIT


@pytest.mark.slow
def test_a_longer_context_and_more_answers_at_a_time_need_more_memory() -> None:
    base, long, many = (
        options_on("server", needs)
        for needs in (Needs(), Needs(context=32_768), Needs(concurrency=8))
    )
    assert set(base) - set(long) == {"Phi-4"}  # trained for half as much
    for name in long:
        assert base[name].memory_bytes < long[name].memory_bytes
        assert base[name].memory_bytes < many[name].memory_bytes


def test_together_answers_are_not_slower_than_one_and_each_is_not_faster() -> None:
    one, eight = (options_on("gaming", needs) for needs in (Needs(), Needs(concurrency=8)))
    alone, together = one["Qwen2.5-7B"].total_tok_s, eight["Qwen2.5-7B"]
    assert alone is not None
    assert together.total_tok_s is not None
    assert together.stream_tok_s is not None
    assert together.total_tok_s.p50 >= alone.p50
    assert together.stream_tok_s.p50 <= alone.p50


def test_more_answers_than_an_engine_has_places_for_share_what_those_give() -> None:
    most, more = (options_on("server", Needs(concurrency=n)) for n in (SLOTS_MAX, 4 * SLOTS_MAX))
    for name, option in most.items():
        assert more[name].total_tok_s == option.total_tok_s
        assert option.stream_tok_s is not None
        assert more[name].stream_tok_s == option.stream_tok_s.scaled(1 / 4)


def test_a_gpu_is_used_where_it_holds_the_model_and_divided_where_not() -> None:
    options = options_on("gaming")
    assert options["Gemma-3-27B"].device == "gpu"
    assert options["Llama-3.1-70B"].device == "split"


def test_an_integrated_gpu_has_the_machines_memory() -> None:
    busy = replace(MACHINES["mac"], memory_available_bytes=4 * GIB)
    assert options_on(busy)["Llama-3.1-8B"].fit is Verdict.DOES_NOT_FIT_NOW


def test_a_context_that_no_model_was_made_for_leaves_none() -> None:
    assert options_on("server", Needs(context=1 << 24)) == {}
