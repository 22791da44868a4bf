"""What a step reads and computes, from a model's facts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.model import AttentionKind, ModelFacts, Task
from stoker.core.weights import Use, WeightUse
from stoker.planning.speed.work import BLOCK, Attention, Work, work_of

FACTS = ModelFacts(
    architecture="llama",
    parameters=1000,
    quantization="Q8_0",
    file_bytes=1,
    context_length=4096,
    layers=4,
    embedding_length=64,
    vocabulary=100,
    task=Task.GENERATE,
    chat_template=True,
    attention=(AttentionKind.GROUPED,) * 4,
    heads=8,
    kv_heads=(2,) * 4,
    head_length_k=16,
    head_length_v=16,
    weight_bytes=(("Q8_0", 900), ("F32", 100)),
)


def products(work: Work, past: float) -> float:
    return work.products(lambda layer: layer.attended(past))


def test_equal_layers_are_one_entry_and_each_keeps_its_keys_and_values() -> None:
    assert work_of(FACTS).attention == (Attention(4, 8, 32, 2 * 32),)


def test_windowed_layers_attend_to_no_more_than_their_window() -> None:
    kinds = (AttentionKind.WINDOWED, AttentionKind.GROUPED) * 2
    work = work_of(replace(FACTS, attention=kinds, window=512))
    full = work_of(FACTS)
    assert products(work, 100) == products(full, 100)
    assert products(work, 4000) == (products(full, 4000) + products(full, 512)) / 2


def test_latent_attention_keeps_one_vector_for_all_heads() -> None:
    facts = replace(FACTS, attention=(AttentionKind.LATENT,) * 4, head_length_k=576)
    assert work_of(facts).kv_bytes(10) == 4 * 10 * 576 * 2


def test_a_recurrent_layer_costs_the_same_however_much_came_before() -> None:
    work = work_of(replace(FACTS, attention=(AttentionKind.RECURRENT,) * 4))
    assert products(work, 100) == products(work, 100_000) > 0
    assert work.kv_bytes(100_000) == 0


def test_weights_of_unknown_use_are_read_by_every_token() -> None:
    assert work_of(FACTS).uses == (
        WeightUse(Use.BODY, "Q8_0", 900, 900),
        WeightUse(Use.BODY, "F32", 100, 100),
    )


@given(st.integers(1, 4096))
def test_more_tokens_touch_more_experts_and_never_more_than_all(tokens: int) -> None:
    work = Work((), 1, 1, 1, experts=8, experts_used=2)
    one, more = work.share(Use.EXPERT, tokens), work.share(Use.EXPERT, tokens + 1)
    assert 0.25 <= one + 1e-12 <= more + 1e-12 <= 1 + 1e-12
    assert work.share(Use.BODY, tokens) == 1


def test_one_token_touches_the_experts_it_is_sent_to() -> None:
    work = Work((), 1, 1, 1, experts=8, experts_used=2)
    assert work.share(Use.EXPERT) == pytest.approx(0.25)


@given(st.floats(0, 1e5), st.floats(0, 1e4))
def test_attending_to_more_is_never_less(past: float, more: float) -> None:
    work = work_of(FACTS)
    assert work.kv_bytes(past) <= work.kv_bytes(past + more)
    assert products(work, past) <= products(work, past + more)
    layer = work.attention[0]
    assert layer.near(past) + layer.far(past) <= layer.near(past + more) + layer.far(past + more)


def test_one_block_is_looked_through_as_far_as_it_is_filled_and_more_are_as_whole_blocks() -> None:
    layer = Attention(1, 1, 1, 1)
    assert (layer.near(BLOCK - 1), layer.far(BLOCK - 1)) == (BLOCK - 1, 0)
    assert (layer.near(BLOCK), layer.far(BLOCK)) == (0, 2 * BLOCK)
    assert layer.far(2 * BLOCK - 1) == 2 * BLOCK
    assert layer.far(2 * BLOCK) == 3 * BLOCK


def test_rows_are_those_of_the_formats_and_uses_that_are_asked_for() -> None:
    uses = (WeightUse(Use.BODY, "Q6_K", 64 * 32, 0), WeightUse(Use.OUTPUT, "Q8_0", 32 * 32, 0))
    work = Work(uses, 1, 32, 32)
    assert work.rows((Use.BODY, Use.OUTPUT)) == 96
    assert work.rows((Use.BODY, Use.OUTPUT), {"q6_k"}) == 64
    assert work.rows((Use.OUTPUT,), {"q6_k"}) == 0


@given(st.integers(1, 5000), st.integers(1, 600), st.integers(0, 1000))
def test_a_prompt_is_read_whole_and_looks_back_on_what_is_before(
    tokens: int, micro_batch: int, past: int
) -> None:
    steps = work_of(FACTS).steps(tokens, micro_batch, past)
    assert sum(count for count, _ in steps) == tokens
    assert max(count for count, _ in steps) <= micro_batch
    pairs = sum(count * back for count, back in steps)
    assert pairs == pytest.approx(tokens * past + tokens * (tokens + 1) / 2)


def test_who_makes_vectors_reads_a_text_in_one_step_and_an_encoder_looks_at_all_of_it() -> None:
    embeds = replace(FACTS, task=Task.EMBED)
    assert work_of(embeds).steps(2000, 512) == ((2000, 1000.5),)
    assert work_of(replace(embeds, causal=False)).steps(2000, 512) == ((2000, 2000.0),)
    assert work_of(replace(embeds, causal=False)).attended_mean(2000) == 2000.0


def test_who_makes_vectors_multiplies_with_no_output_matrix() -> None:
    output = WeightUse(Use.OUTPUT, "Q8_0", 10, 10)
    uses = (WeightUse(Use.BODY, "Q8_0", 20, 20), output)
    assert output in work_of(replace(FACTS, uses=uses)).uses
    embeds = work_of(replace(FACTS, uses=uses, task=Task.EMBED))
    assert Use.OUTPUT not in {one.use for one in embeds.uses}
    assert embeds.read_bytes(0.0) == 20


def test_a_smaller_cache_is_less_to_read() -> None:
    whole, small = work_of(FACTS), work_of(FACTS, "q8_0")
    assert small.kv_bytes(100) == pytest.approx(whole.kv_bytes(100) * 34 / 64)
