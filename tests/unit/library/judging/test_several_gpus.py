"""Several GPUs divide a model's layers; a token goes through all of them, one after the other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stoker.core.machine import Machine
from stoker.core.plan import DeviceKind
from stoker.core.proposal import Proposal
from stoker.machine.presets import find_preset
from stoker.planning.defaults import Wishes
from support.planning import answer, ask

# Published of two RTX 3090 with Llama-3-70B in Q4_K_M (GPU-Benchmarks-on-LLM-Inference, May 2024).
DECODE_TOK_S, PREFILL_TOK_S = 16.57, 357.0
PAIR = find_preset("2x-rtx-3090").machine


def planned(machine: Machine, name: str = "Llama-3.1-70B", context: int = 1024) -> Proposal:
    question = ask(name, gpus=True, wishes=Wishes(context=context, slots=1))
    return answer(replace(question, machine=machine))


def test_a_pair_runs_what_was_published_of_a_pair() -> None:
    found = planned(PAIR)
    assert (found.device.kind, len(found.device.shares)) == (DeviceKind.GPU, 2)
    speed = found.speed
    assert speed.decode_tok_s is not None
    assert speed.prefill_tok_s is not None
    assert DECODE_TOK_S in speed.decode_tok_s
    assert PREFILL_TOK_S in speed.prefill_tok_s
    assert speed.decode_tok_s.p50 == pytest.approx(DECODE_TOK_S, rel=0.15)
    assert speed.prefill_tok_s.p50 == pytest.approx(PREFILL_TOK_S, rel=0.3)


def test_a_plan_for_several_gpus_says_which_layers_lie_where() -> None:
    found = planned(PAIR)
    said = next(one.say for one in found.reasons if one.about == "device")
    assert "2 x NVIDIA GeForce RTX 3090" in said
    assert "40 on gpu0, 40 on gpu1" in said
    assert [one.device for one in found.devices] == ["cpu", "gpu0", "gpu1"]
    assert {one.name for one in found.devices} == {"", PAIR.gpus[0].name}


def test_a_slower_gpu_beside_a_faster_one_takes_its_own_time() -> None:
    slower = replace(PAIR.gpus[1], name="NVIDIA A10", bandwidth_bytes_s=300e9)
    mixed = planned(replace(PAIR, gpus=(PAIR.gpus[0], slower))).speed.decode_tok_s
    pair = planned(PAIR).speed.decode_tok_s
    alone = planned(replace(PAIR, gpus=(slower, slower))).speed.decode_tok_s
    assert mixed is not None
    assert pair is not None
    assert alone is not None
    assert alone.p50 < mixed.p50 < pair.p50
