"""Whatever a header says that the reader accepts: it ends in a plan, or in one of our errors."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.cli.drawing.glyphs import ASCII
from stoker.cli.drawing.plan_plot import plot
from stoker.cli.pages.plan_document import describe
from stoker.cli.pages.plan_text import explain, render
from stoker.core.errors import StokerError
from stoker.core.machine import Machine, Measured
from stoker.core.memory import Taken
from stoker.core.model import LocalModel, ModelFacts, ModelRef
from stoker.core.plan import Plan
from stoker.core.proposal import Proposal, Resident
from stoker.models.facts import facts_of
from stoker.models.gguf.header import Parser
from stoker.planning.memory.families import FAMILIES
from stoker.planning.proposal.counting import count_plainly
from stoker.planning.proposal.proposing import draft, propose
from stoker.planning.proposal.question import Question
from stoker.testing.gguf_bytes import ARRAY, U32, U64, GgufBytes
from stoker.testing.machines import MACHINES
from support.planning import ask

ARCHITECTURES = [*sorted(FAMILIES), "nobody-knows"]
# What a small model states; with experts, latent attention or states at times.
PLAIN = {
    "attention.head_count": 4,
    "attention.head_count_kv": 2,
    "attention.key_length": 32,
    "attention.value_length": 32,
    "feed_forward_length": 64,
    "vocab_size": 512,
}
GROUPS: tuple[dict[str, int], ...] = (
    {"expert_count": 8, "expert_used_count": 2, "expert_feed_forward_length": 32}
    | {"expert_shared_count": 1, "expert_shared_feed_forward_length": 32}
    | {"leading_dense_block_count": 1},
    {"attention.kv_lora_rank": 64, "attention.q_lora_rank": 32, "rope.dimension_count": 32}
    | {"attention.key_length_mla": 32, "attention.value_length_mla": 32},
    {"attention.sliding_window": 64, "attention.sliding_window_pattern": 2}
    | {"attention.key_length_swa": 64, "attention.value_length_swa": 64}
    | {"attention.shared_kv_layers": 1},
    {"ssm.conv_kernel": 4, "ssm.inner_size": 64, "ssm.state_size": 16, "ssm.group_count": 2}
    | {"ssm.time_step_rank": 4},
    {"shortconv.l_cache": 3},
    {"token_shift_count": 2, "wkv.head_size": 32},
    {"nextn_predict_layers": 1},
    {"pooling_type": 1},
)
KEYS = [*PLAIN, *(key for group in GROUPS for key in group)]
TENSORS = [
    "token_embd.weight",
    "output.weight",
    "blk.0.attn_k.weight",
    "blk.0.attn_qkv.weight",
    "blk.0.ffn_up_exps.weight",
    "blk.1.ssm_in.weight",
    "blk.1.time_mix_w1.weight",
    "blk.1.shortconv.in.weight",
    "blk.2.attn_k.weight",
    "blk.999999.attn_k.weight",
    "per_layer_token_embd.x",
]
# The type, the sides, and the bytes with what fills them up.
FORMS = [(0, (32, 3), 384), (8, (64, 2), 160), (1, (1,), 32)]
FORM = GgufBytes()
# Mostly what a model states, at times what breaks sums: nothing, one, and all that fits.
USUAL = st.sampled_from([1, 2, 3, 4, 8, 32, 64, 128, 576, 4096])
NUMBERS = st.one_of(USUAL, USUAL, st.sampled_from([0, 1 << 31, (1 << 64) - 1]), st.integers(0, 70))
ARRAYS = st.lists(NUMBERS, max_size=6)


@st.composite
def headers(draw: st.DrawFn) -> bytes:
    """A file whose header the reader accepts, with any of the keys, single or by layer."""
    name = draw(st.sampled_from(ARCHITECTURES))
    stated: dict[str, int | list[int]] = {**PLAIN}
    for group in draw(st.sets(st.sampled_from(range(len(GROUPS))), max_size=3)):
        stated |= GROUPS[group]
    for key in draw(st.sets(st.sampled_from(KEYS), max_size=4)):
        stated[key] = draw(st.one_of(NUMBERS, ARRAYS))
    stated |= {"context_length": draw(USUAL), "embedding_length": draw(USUAL)}
    stated["block_count"] = draw(st.integers(1, 8))
    pairs = [FORM.text("general.architecture", name)]
    pairs += [_pair(f"{name}.{key}", value) for key, value in stated.items()]
    if draw(st.booleans()):
        tokens = FORM.array(U32, draw(st.sampled_from([1, 7, 512])))
        count = int.from_bytes(tokens[4:12], "little")
        pairs.append(FORM.pair("tokenizer.ggml.tokens", ARRAY, tokens + bytes(4 * count)))
    names = sorted(draw(st.sets(st.sampled_from(TENSORS), min_size=1)))
    tensors, at = [], 0
    for tensor in names:
        kind, sides, size = draw(st.sampled_from(FORMS))
        tensors.append(FORM.tensor(tensor, sides, kind, at))
        at += size
    return FORM.header(tuple(pairs), tuple(tensors)) + bytes(at)


def _pair(key: str, value: int | list[int]) -> bytes:
    if isinstance(value, int):
        return FORM.number(key, value, U64)
    return FORM.pair(key, ARRAY, FORM.array(U64, len(value), FORM.pack(f"{len(value)}Q", *value)))


def question_of(facts: ModelFacts, machine: Machine, **more: Any) -> Question:
    model = LocalModel(ModelRef("any"), Path("any.gguf"), facts)
    question = ask(model=model, quantization=facts.quantization, **more)
    return replace(question, machine=machine)


def planned(question: Question) -> Proposal:
    """The plan by formula, and as if an engine had counted twice as much."""
    plan = draft(question)
    propose(question, plan, count_plainly(plan))
    return propose(question, plan, twice(plan))


def twice(plan: Plan) -> Any:
    need = count_plainly(plan)
    taken = tuple(Taken(one.part, one.device, one.size_bytes, "more") for one in need.taken)
    return replace(need, taken=(*need.taken, *taken), source="engine")


def shown(proposal: Proposal, machine: Machine) -> None:
    """All forms in which people and programs see it."""
    resident = Resident((proposal,), 1, 1, proposal.verdict)
    render(resident, machine, width=80, glyphs=ASCII)
    explain(resident, width=80)
    plot(resident)
    json.dumps(describe(resident, machine), allow_nan=False)


def check(data: bytes, machine: Machine, **more: Any) -> None:
    try:
        facts = facts_of("any.gguf", Parser("any.gguf", len(data)).read(data))
        proposal = planned(question_of(facts, machine, **more))
    except StokerError:
        return
    shown(proposal, machine)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(headers(), st.sampled_from(["laptop", "gaming", "busy", "mac", "unmeasured"]))
def test_every_header_gives_a_plan_or_our_error(data: bytes, machine: str) -> None:
    check(data, MACHINES[machine], gpus=True)


def test_lengths_for_fewer_layers_than_there_are_end_in_a_plan() -> None:
    pairs = (
        FORM.text("general.architecture", "llama"),
        FORM.number("llama.block_count", 3),
        FORM.number("llama.context_length", 128),
        FORM.number("llama.embedding_length", 64),
        FORM.number("llama.attention.head_count", 4),
        FORM.number("llama.vocab_size", 32),
        _pair("llama.feed_forward_length", [64, 64]),
    )
    data = FORM.header(pairs, (FORM.tensor("token_embd.weight", (64, 2), 8, 0),)) + bytes(160)
    facts = facts_of("any.gguf", Parser("any.gguf", len(data)).read(data))
    assert facts.layout.ffn == (64, 64, 0)
    assert planned(question_of(facts, MACHINES["laptop"])).verdict.usable


@pytest.mark.parametrize("gpus", [True, False])
def test_a_machine_that_reads_and_multiplies_nothing_gives_a_plan(*, gpus: bool) -> None:
    here = MACHINES["gaming"]
    idle = tuple(replace(gpu, bandwidth_bytes_s=0.0) for gpu in here.gpus)
    measured = Measured(read_bytes_s_all=0.0, matmul_ops_s=(("f16", 0.0),))
    machine = replace(here, gpus=idle, measured=measured)
    proposal = planned(replace(ask(gpus=gpus), machine=machine))
    shown(proposal, machine)
