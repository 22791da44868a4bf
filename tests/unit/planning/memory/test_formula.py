"""Memory by formula: each class of attention by hand, the parts that no engine counts, the sum."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import ModelFileGarbageError
from stoker.core.layout import Layout
from stoker.core.memory import COUNTED, MemoryNeed, Part, Taken
from stoker.core.model import AttentionKind, LocalModel, ModelFacts, ModelRef, Task
from stoker.core.plan import KV_TYPES, Plan
from stoker.engines.llamacpp.spec import child_spec
from stoker.models.gguf.types import TENSOR_TYPES
from stoker.planning.memory.batches import batches, step_outputs, step_tokens
from stoker.planning.memory.cache import cells, kv_bytes, state_bytes, window_cells
from stoker.planning.memory.formula import (
    completed,
    compute_bytes,
    count,
    disagreement,
    resident_bytes,
    weights_bytes,
)
from stoker.planning.memory.overhead import Waiting

GROUPED, WINDOWED = AttentionKind.GROUPED, AttentionKind.WINDOWED
LATENT, RECURRENT = AttentionKind.LATENT, AttentionKind.RECURRENT
LAYERS = 4
LAYOUT = Layout(
    ffn=(512,) * LAYERS,
    kv_layers=LAYERS,
    layer_bytes=(100,) * LAYERS,
    other_bytes=60,
    stretch_bytes=450,
    embedding_bytes=50,
    embedding_type="Q8_0",
    tied=True,
)


def plan(
    *kinds: AttentionKind, layout: Layout = LAYOUT, architecture: str = "llama", **more: Any
) -> Plan:
    facts_more = {key: more.pop(key) for key in tuple(more) if key in ModelFacts.__slots__}
    facts = ModelFacts(
        architecture,
        1,
        "Q8_0",
        1,
        8192,
        LAYERS,
        256,
        1000,
        Task.GENERATE,
        chat_template=True,
        heads=4,
        kv_heads=(2,) * LAYERS,
        head_length_k=64,
        head_length_v=64,
        attention=kinds or (GROUPED,) * LAYERS,
        layout=layout,
    )
    model = LocalModel(ModelRef("m"), Path("m.gguf"), replace(facts, **facts_more))
    return Plan(model, "llamacpp", **{"context": 1000, "slots": 1, "threads": 1} | more)


@pytest.mark.parametrize(
    ("context", "slots", "expected"), [(1000, 1, 1024), (1000, 3, 1024), (1, 2, 256), (513, 2, 768)]
)
def test_a_slots_cells_are_rounded_up_twice(context: int, slots: int, expected: int) -> None:
    assert cells(plan(context=context, slots=slots)) == expected


def test_grouped_attention_keeps_keys_and_values_of_the_shared_heads() -> None:
    assert kv_bytes(plan()) == LAYERS * 1024 * 2 * (2 * 64 * 2)
    assert kv_bytes(plan(slots=3)) == 3 * kv_bytes(plan())


@pytest.mark.parametrize(("kind", "row"), [("q8_0", 136), ("q4_0", 72), ("f32", 512)])
def test_a_row_of_the_cache_has_its_formats_size(kind: str, row: int) -> None:
    assert kv_bytes(plan(kv_type=kind)) == LAYERS * 1024 * 2 * row


def test_the_caches_formats_are_the_files_own() -> None:
    by_name = {one.name.lower(): one for one in TENSOR_TYPES.values()}
    for name, size in KV_TYPES.items():
        assert size == 32 // by_name[name].block * by_name[name].block_bytes


def test_windowed_layers_keep_the_window_and_one_step_with_heads_of_their_own() -> None:
    kinds = WINDOWED, WINDOWED, GROUPED, WINDOWED
    layout = replace(LAYOUT, window_head_k=32, window_head_v=96)
    one = plan(*kinds, layout=layout, window=100, context=4096, micro_batch=128)
    assert window_cells(one) == 256
    assert kv_bytes(one) == 3 * 256 * 2 * (2 * 32 + 2 * 96) + 4096 * 2 * 256
    assert window_cells(plan(*kinds, window=5000, context=1000)) == 1024


def test_layers_that_look_into_others_caches_own_none() -> None:
    assert kv_bytes(plan(layout=replace(LAYOUT, kv_layers=1))) == kv_bytes(plan()) // LAYERS


def test_latent_attention_keeps_one_vector_and_its_position() -> None:
    layout = replace(LAYOUT, latent=512, rope=64, latent_head_k=192, latent_head_v=128)
    assert kv_bytes(plan(*(LATENT,) * LAYERS, layout=layout)) == LAYERS * 1024 * 2 * (512 + 64)


@pytest.mark.parametrize(
    ("layout", "elements"),
    [
        (Layout(conv=4, inner=512, state=16, time_rank=16), 3 * 512 + 16 * 512),
        (Layout(conv=4, inner=512, state=16, groups=2, time_rank=8), 3 * 576 + 16 * 512),
        (Layout(short_conv=3), 2 * 256),
        (Layout(shifts=2, state_head=64), 2 * 256 + 64 * 256),
    ],
)
def test_a_recurrent_layers_state_depends_on_the_slots_alone(layout: Layout, elements: int) -> None:
    states = replace(layout, state_layers=3, kv_layers=LAYERS)
    for context in (256, 8192):
        one = plan(*(RECURRENT,) * LAYERS, layout=states, context=context, slots=2)
        assert (kv_bytes(one), state_bytes(one)) == (0, 3 * 2 * 4 * elements)


def test_an_encoder_keeps_nothing() -> None:
    assert kv_bytes(plan(architecture="bert", task=Task.EMBED)) == 0


def test_weights_are_the_layers_and_the_rest_without_those_that_only_look_ahead() -> None:
    assert weights_bytes(plan()) == 4 * 100 + 60
    assert weights_bytes(plan(layout=replace(LAYOUT, ahead_layers=1))) == 3 * 100 + 60


def test_tied_vectors_that_are_rewritten_lie_there_twice_and_mapped_ones_never() -> None:
    packed = replace(LAYOUT, embedding_type="Q4_0")
    assert weights_bytes(plan(layout=packed)) == 4 * 100 + 60 + 50
    assert weights_bytes(plan(layout=replace(packed, tied=False))) == 4 * 100 + 60
    assert weights_bytes(plan(layout=packed, vocabulary=1001)) == 4 * 100 + 60
    assert weights_bytes(plan(architecture="gemma4")) == 4 * 100 + 60 + 50
    assert weights_bytes(plan(layout=packed, repack=False)) == 450


@given(
    context=st.integers(1, 9000),
    slots=st.integers(1, 9),
    micro=st.integers(1, 3000),
    batch=st.integers(1, 3000),
    task=st.sampled_from(Task),
)
def test_formulas_and_engine_are_told_the_same_batches(
    context: int, slots: int, micro: int, batch: int, task: Task
) -> None:
    one = plan(context=context, slots=slots, micro_batch=micro, batch=batch, task=task)
    spec = child_spec(one, Path("e.sock"))
    assert batches(one) == (spec["n_batch"], spec["n_ubatch"])
    assert step_tokens(one) % slots == 0
    assert 1 <= step_outputs(one) <= step_tokens(one)


def test_scratch_grows_with_the_step_and_by_the_mask_with_the_context() -> None:
    short, long = compute_bytes(plan(context=4096)), compute_bytes(plan(context=8192))
    assert long - short == 4096 * 512 * 2
    half = compute_bytes(plan(context=4096, micro_batch=256))
    assert short / 2.1 < half < short / 1.9


@given(context=st.integers(1, 1 << 17), slots=st.integers(1, 8))
def test_more_context_never_takes_less(context: int, slots: int) -> None:
    less, more = (count(plan(context=one, slots=slots)) for one in (context, context + 777))
    assert less.kv_bytes <= more.kv_bytes
    assert less.total_bytes <= more.total_bytes


def test_the_sum_has_every_part_that_the_plan_has_and_says_who_counted() -> None:
    need = count(plan(prompt_cache_bytes=5000), Waiting(10, 1000))
    assert need.source == "formula"
    assert need.of(Part.PROMPT_CACHE) == 5000
    assert need.of(Part.QUEUE) == 10 * 1000 * 2
    assert need.of(Part.OUTPUT) == 4 * 1000
    assert need.of(Part.CHECKPOINTS) == 0
    assert need.total_bytes == need.of(*COUNTED) + need.other_bytes


def test_checkpoints_hold_windows_and_states_as_often_as_the_plan_allows() -> None:
    kinds = WINDOWED, GROUPED, GROUPED, GROUPED
    one = plan(*kinds, window=100, context=4096, slots=2, checkpoints=3)
    assert count(one).of(Part.CHECKPOINTS) == 3 * 2 * 100 * 512
    assert count(replace(one, checkpoints=0)).of(Part.CHECKPOINTS) == 0


def test_an_engines_count_is_completed_and_stays_the_engines() -> None:
    engine = MemoryNeed((Taken(Part.WEIGHTS, "gpu0", 9),), "engine")
    need = completed(engine, plan())
    assert need.source == "engine"
    assert need.of(Part.WEIGHTS, device="gpu0") == 9
    assert need.of(Part.PROCESS, device="cpu") > 36e6


def test_a_worker_that_has_just_loaded_shows_less_than_one_in_use_and_no_queue() -> None:
    need = count(plan(prompt_cache_bytes=1 << 30), Waiting(64, 1 << 24))
    fresh, used = (resident_bytes(need, plan(), full=full) for full in (False, True))
    assert need.weights_bytes + need.kv_bytes < fresh < used < need.total_bytes - (1 << 30)


def test_what_lies_on_a_gpu_is_not_resident() -> None:
    on_gpu = MemoryNeed((Taken(Part.WEIGHTS, "gpu0", 1 << 40),), "engine")
    assert resident_bytes(completed(on_gpu, plan()), plan(), full=True) < 1 << 30


def test_a_difference_of_two_percent_is_said_with_both_figures() -> None:
    formula = count(plan())
    engine = replace(formula, source="engine")
    assert disagreement(engine, formula) is None
    more = replace(engine, taken=(*engine.taken, Taken(Part.KV, "cpu", formula.kv_bytes // 20)))
    told = disagreement(more, formula)
    assert told is not None
    assert str(formula.kv_bytes) in told
    assert str(more.kv_bytes) in told
    assert "weights" not in told
    little = replace(engine, taken=(*engine.taken, Taken(Part.KV, "cpu", formula.kv_bytes // 60)))
    assert disagreement(little, formula) is None
    assert "newthing is not known" in str(disagreement(more, formula, "newthing"))


@pytest.mark.parametrize(
    ("broken", "key"),
    [
        (plan(vocabulary=0), "llama.vocab_size"),
        (plan(head_length_k=0), "llama.attention.key_length"),
        (plan(layout=replace(LAYOUT, ffn=())), "llama.feed_forward_length"),
        (plan(*(LATENT,) * LAYERS), "llama.attention.kv_lora_rank"),
        (plan(*(RECURRENT,) * LAYERS), "llama.ssm.conv_kernel"),
        (plan(experts=8), "llama.expert_used_count"),
    ],
)
def test_a_header_without_what_is_needed_is_named_with_its_key(broken: Plan, key: str) -> None:
    with pytest.raises(ModelFileGarbageError, match=key):
        count(broken)
