"""Published speeds of GPUs and Apple's chips, predicted from others: what the documents promise."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest

from stoker.core.machine import Measured
from stoker.core.speed import Occasion, SpeedSource
from stoker.library.judging import published_speeds
from stoker.library.judging.published_speeds import (
    gpu_device,
    processor,
    published_basis,
    published_points,
    uncalibrated_bases,
)
from stoker.machine.gpus.data_sheets import gpu_sheets
from stoker.machine.presets import find_preset, presets
from stoker.planning.proposal.well_known import facts_of_shape
from stoker.planning.speed.estimate import estimate_speed
from stoker.planning.speed.published import errors_left_out
from stoker.planning.speed.work import work_of
from stoker.published.devices import load_compute, load_hardware
from stoker.published.figures import load_shapes, load_speeds
from stoker.testing.machines import MACHINES

LLAMA = next(shape for shape in load_shapes() if shape.name == "Llama-3.1-8B")
LLAMA_WORK = work_of(facts_of_shape(LLAMA, "Q4_K", round(LLAMA.parameters * 4.89 / 8)))


def test_every_published_speed_is_used() -> None:
    assert len(published_points()) == len(load_speeds())


def test_devices_that_were_left_out_are_predicted_within_15_percent_in_the_middle() -> None:
    told = [one for one in published_points() if one.device.backend != "cpu"]
    errors = [abs(one.token_s / guess_s - 1) for one, guess_s in errors_left_out(told)]
    assert len(errors) >= 100
    assert statistics.median(errors) <= 0.15


def test_hardware_and_compute_name_what_there_is() -> None:
    named = [(one.name, *(gpu.name for gpu in one.machine.gpus)) for one in presets()]
    known = {sheet.name for sheet in gpu_sheets()}.union(*named)
    assert set(load_hardware().values()) <= known
    assert set(load_hardware()) >= {row.hardware for row in load_speeds()}
    assert set(load_compute()) <= known
    assert all(1e12 < ops_s < 2e15 for ops_s in load_compute().values())


def test_a_published_mixture_of_experts_reads_the_experts_it_uses() -> None:
    shape = next(one for one in load_shapes() if one.experts)
    work = published_speeds._work(shape, "Q4_K_M")
    assert (work.experts, work.experts_used) == (shape.experts, shape.experts_active)
    assert work.read_bytes(0.0) < sum(one.size_bytes for one in work.uses) / 2


@pytest.mark.parametrize(
    ("preset", "least", "most"),
    [("rtx-4090", 100, 170), ("rtx-3090", 80, 140), ("m2-ultra", 60, 95), ("h100", 150, 320)],
)
def test_an_8b_model_in_4_bits_runs_about_as_fast_as_people_say(
    preset: str, least: float, most: float
) -> None:
    bases = uncalibrated_bases(find_preset(preset).machine, 8, 0)
    speed = estimate_speed(LLAMA_WORK, bases, Occasion(context=512))
    assert speed.decode_tok_s is not None
    assert least <= speed.decode_tok_s.p50 <= most


def test_a_processor_is_predicted_too_and_less_surely() -> None:
    machine = find_preset("ryzen-7950x").machine
    work = LLAMA_WORK
    cpu = estimate_speed(work, uncalibrated_bases(machine, 16), Occasion())
    card = uncalibrated_bases(find_preset("rtx-4090").machine, 8, 0)
    gpu = estimate_speed(work, card, Occasion())
    assert cpu.decode_tok_s is not None
    assert gpu.decode_tok_s is not None
    assert 5 < cpu.decode_tok_s.p50 < 20
    assert cpu.decode_tok_s.p90 / cpu.decode_tok_s.p10 > gpu.decode_tok_s.p90 / gpu.decode_tok_s.p10


def test_a_machine_whose_bandwidth_nobody_knows_is_unknown() -> None:
    machine = replace(find_preset("ryzen-7950x").machine, memory_peak_bytes_s=None)
    assert processor(machine) is None
    assert published_basis(processor(machine)) is None
    gpu = replace(find_preset("rtx-4090").machine.gpus[0], name="?", bandwidth_bytes_s=None)
    assert gpu_device(gpu) is None
    for one in (machine, replace(machine, gpus=(gpu,))):
        (rough,) = uncalibrated_bases(one, 8, 0 if one.gpus else None)
        assert estimate_speed(LLAMA_WORK, [rough], Occasion()).sources == ()


def test_a_gpu_of_a_kind_that_nobody_published_borrows_overheads_and_is_less_sure() -> None:
    work = LLAMA_WORK
    card, lender = (
        estimate_speed(work, uncalibrated_bases(find_preset(one).machine, 8, 0), Occasion())
        for one in ("mi300x", "h200")
    )
    assert card.source_of("decode_tok_s") is SpeedSource.PUBLISHED
    assert card.decode_tok_s is not None
    assert lender.decode_tok_s is not None
    assert lender.decode_tok_s.p50 < card.decode_tok_s.p50 < 1.2 * lender.decode_tok_s.p50
    widths = [one.p90 / one.p10 for one in (card.decode_tok_s, lender.decode_tok_s)]
    assert widths[0] > 1.5 * widths[1]
    assert any("nobody published speeds of rocm: overheads of cuda" in one for one in card.notes)
    assert not any("overheads" in one for one in lender.notes)


def test_several_answers_are_never_told_to_be_faster_than_one_alone() -> None:
    work = LLAMA_WORK
    bases = uncalibrated_bases(find_preset("mi300x").machine, 8, 0)
    speed = estimate_speed(work, bases, Occasion(streams=4))
    assert speed.decode_tok_s is not None
    assert speed.stream_tok_s is not None
    assert speed.stream_tok_s.p50 < speed.decode_tok_s.p50
    assert speed.source_of("stream_tok_s") is SpeedSource.PUBLISHED
    assert any("how fast this device multiplies is not known" in one for one in speed.notes)


def test_a_memory_that_was_measured_is_no_makers_figure() -> None:
    preset = find_preset("ryzen-7950x").machine
    measured = Measured(read_bytes_s_all=60e9)
    own = replace(preset, memory_peak_bytes_s=None, measured=measured)
    said = "how fast memory is read was measured here, in place of a maker's figure"
    work = LLAMA_WORK
    for machine, told in ((own, True), (preset, False)):
        notes = estimate_speed(work, uncalibrated_bases(machine, 8), Occasion()).notes
        assert (said in notes) is told


def test_one_thread_reads_as_fast_as_one_thread_was_measured_to() -> None:
    measured = Measured(read_bytes_s_one=12e9, read_bytes_s_all=40e9)
    machine = replace(MACHINES["unmeasured"], measured=measured)
    assert [processor(machine, n).bandwidth_bytes_s for n in (1, 2)] == [12e9, 40e9]  # type: ignore[union-attr]
    preset = find_preset("ryzen-7950x").machine
    stated = processor(replace(preset, measured=measured), 1)
    assert stated is not None
    assert stated.bandwidth_bytes_s == preset.memory_peak_bytes_s
