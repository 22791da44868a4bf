"""What models are trusted with rises with their size, and rough speeds hold what was published."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stoker.core.estimate import Interval
from stoker.core.machine import Backend, Gpu, Machine
from stoker.core.needs import Needs, Quality
from stoker.core.plan import Verdict
from stoker.core.units import GIB
from stoker.planning.catalogue import Entry, build_catalogue, rank, reaches, tier_of
from stoker.planning.rough import BANDWIDTH_SHARE, estimate_roughly
from stoker.published.figures import load_losses, load_shapes, load_sizes, load_speeds
from stoker.published.judgement import load_judgement
from stoker.testing.machines import MACHINES, make_machine, make_measured

JUDGEMENT = load_judgement()
CATALOGUE = build_catalogue(load_shapes(), load_sizes(), load_losses(), JUDGEMENT)


def entry(name: str) -> Entry:
    return next(one for one in CATALOGUE if one.shape.name == name)


def test_every_shape_is_in_the_catalogue_the_smallest_file_first() -> None:
    sizes = [one.weights_bytes for one in CATALOGUE]
    assert sizes == sorted(sizes)
    assert {one.shape.name for one in CATALOGUE} == {shape.name for shape in load_shapes()}


def test_a_published_size_wins_over_bits_per_weight() -> None:
    assert entry("Llama-3.1-8B").weights_bytes == 4_920_739_232
    assert entry("gpt-oss-20b").quantization == "MXFP4"
    assert "bits per weight" in entry("Mistral-7B").source


@pytest.mark.parametrize(
    ("model", "tier"),
    [
        ("Qwen2.5-0.5B", None),
        ("Qwen2.5-1.5B", Quality.BASIC),
        ("Qwen3-4B", Quality.BASIC),
        ("Llama-3.1-8B", Quality.GOOD),
        ("Phi-4", Quality.GOOD),
        ("Qwen3-30B-A3B", Quality.GOOD),
        ("Gemma-3-27B", Quality.BETTER),
        ("gpt-oss-120b", Quality.BETTER),
        ("DeepSeek-V3", Quality.BETTER),
    ],
)
def test_trust_goes_by_the_size_of_a_dense_model_of_like_ability(
    model: str, tier: Quality | None
) -> None:
    assert entry(model).tier is tier


def test_no_open_model_is_trusted_with_the_best_there_is() -> None:
    assert tier_of(1e15, JUDGEMENT) is not Quality.FRONTIER


def test_more_parameters_are_never_trusted_with_less() -> None:
    ranks = [rank(tier_of(10.0**power, JUDGEMENT)) for power in range(6, 14)]
    assert ranks == sorted(ranks)


def test_quality_is_reached_by_itself_and_what_is_better() -> None:
    assert reaches(Quality.GOOD, Quality.GOOD)
    assert reaches(Quality.BETTER, Quality.BASIC)
    assert not reaches(None, Quality.BASIC)


# The makers' figures of memory bandwidth.
BANDWIDTHS = {
    "RTX 3070 8GB": 448,
    "RTX 4080 16GB": 717,
    "RTX 4090 24GB": 1008,
    "M1 Max 32-core": 400,
}


@pytest.mark.parametrize("hardware", BANDWIDTHS)
def test_the_rough_interval_holds_the_published_decode_speed(hardware: str) -> None:
    gpu = Gpu(
        hardware, Backend.CUDA, 24 * GIB, 24 * GIB, bandwidth_bytes_s=BANDWIDTHS[hardware] * 1e9
    )
    machine = make_machine("published", (64, 60), gpus=(gpu,))
    options = estimate_roughly(CATALOGUE, Needs(context=1024), machine, JUDGEMENT)
    speed = next(one.stream_tok_s for one in options if one.name == "Llama-3.1-8B")
    published = next(
        row.tok_s
        for row in load_speeds()
        if (row.hardware, row.quantization, row.metric) == (hardware, "Q4_K_M", "tg512")
    )
    assert published in speed


def options_on(machine: Machine, needs: Needs) -> dict[str, object]:
    found = estimate_roughly(CATALOGUE, needs, machine, JUDGEMENT)
    return {one.name: one for one in found}


def test_what_nobody_measured_stays_unknown() -> None:
    for option in estimate_roughly(CATALOGUE, Needs(), MACHINES["unmeasured"], JUDGEMENT):
        assert (option.stream_tok_s, option.total_tok_s) == (None, None)
        assert (option.prefill_tok_s, option.ttft_s) == (None, None)


def test_the_four_fits() -> None:
    machine = make_machine("m", (16, 6), make_measured(50, 1))
    fits = {name: one.fit for name, one in options_on(machine, Needs()).items()}
    assert fits["Qwen2.5-1.5B"] is Verdict.FITS
    assert fits["Llama-3.1-8B"] is Verdict.TIGHT
    assert fits["Phi-4"] is Verdict.DOES_NOT_FIT_NOW
    assert fits["Llama-3.1-70B"] is Verdict.CAN_NEVER_FIT


def test_a_longer_context_and_more_answers_at_a_time_need_more_memory() -> None:
    base, long, many = (
        options_on(MACHINES["server"], needs)
        for needs in (Needs(), Needs(context=32_768), Needs(concurrency=8))
    )
    for name in base:
        assert base[name].memory_bytes < long[name].memory_bytes
        assert base[name].memory_bytes < many[name].memory_bytes


def test_together_answers_are_never_slower_than_one_and_each_never_faster() -> None:
    one, eight = (
        options_on(MACHINES["gaming"], needs) for needs in (Needs(), Needs(concurrency=8))
    )
    alone, together = one["Qwen2.5-7B"].total_tok_s, eight["Qwen2.5-7B"]
    assert together.total_tok_s.p10 >= alone.p10 * 0.8
    assert together.stream_tok_s.p90 <= alone.p90


def test_a_gpu_is_used_where_it_holds_the_whole_model() -> None:
    options = options_on(MACHINES["gaming"], Needs())
    assert options["Gemma-3-27B"].device == "gpu"
    assert options["Llama-3.1-70B"].device == "cpu"


def test_an_integrated_gpu_has_the_machines_memory() -> None:
    busy = replace(MACHINES["mac"], memory_available_bytes=4 * GIB)
    assert options_on(busy, Needs())["Llama-3.1-8B"].fit is Verdict.DOES_NOT_FIT_NOW


def test_the_shares_of_the_bandwidth_are_an_interval() -> None:
    assert Interval(*BANDWIDTH_SHARE).p90 < 1
