"""Without a calibration speeds follow from bandwidth alone: wide, and unknown where it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stoker.core.plan import Device, DeviceKind
from stoker.core.speed import Occasion, SpeedSource
from stoker.planning.proposal.proposing import draft
from stoker.planning.speed.rough import rough_speed
from stoker.testing.machines import MACHINES
from support.planning import ask

CPU = Device(DeviceKind.CPU, 32)
GPU = Device(DeviceKind.GPU, 32, 0, 32, "RTX 4090")
HALF = Device(DeviceKind.SPLIT, 32, 0, 16, "RTX 4090")


def decode(machine: str, device: Device = CPU, name: str = "Llama-3.1-8B") -> float:
    plan = draft(ask(name, machine))
    told = rough_speed(plan, device, MACHINES[machine], Occasion()).decode_tok_s
    return 0.0 if told is None else told.p50


def test_a_faster_memory_decodes_faster_and_a_split_lies_between() -> None:
    assert decode("laptop") < decode("desktop") < decode("gaming", GPU)
    assert decode("gaming", CPU) < decode("gaming", HALF) < decode("gaming", GPU)


def test_experts_that_are_not_chosen_are_not_read() -> None:
    assert decode("laptop", name="gpt-oss-20b") > decode("laptop", name="Phi-4")


def test_several_answers_share_a_rate_that_is_no_less() -> None:
    plan = draft(ask(machine="laptop"))
    told = rough_speed(plan, CPU, MACHINES["laptop"], Occasion(streams=4))
    assert told.decode_tok_s is not None
    assert told.stream_tok_s is not None
    assert told.total_tok_s is not None
    assert told.stream_tok_s.p50 * 4 == pytest.approx(told.total_tok_s.p50)
    assert told.total_tok_s.p50 >= told.decode_tok_s.p50


def test_the_first_token_comes_later_after_a_longer_prompt() -> None:
    plan = draft(ask(machine="laptop"))
    short, long = (
        rough_speed(plan, CPU, MACHINES["laptop"], Occasion(prompt_tokens=tokens)).ttft_s
        for tokens in (100, 1000)
    )
    assert short is not None
    assert long is not None
    assert long.p50 == pytest.approx(10 * short.p50)


def test_what_nobody_measured_is_unknown() -> None:
    plan = draft(ask(machine="unmeasured"))
    told = rough_speed(plan, CPU, MACHINES["unmeasured"], Occasion())
    assert told.source is SpeedSource.UNKNOWN
    assert told.decode_tok_s is None
    peak = replace(MACHINES["unmeasured"], memory_peak_bytes_s=80e9)
    assert rough_speed(plan, CPU, peak, Occasion()).decode_tok_s is not None
