"""The first estimate follows the cache's formula."""

from __future__ import annotations

from dataclasses import replace

from stoker.comparing.memory import WEIGHTS_AND_KV, weights_and_kv_bytes
from stoker.core.model import AttentionKind
from stoker.core.plan import Plan
from stoker.models.catalogue import starter


def plan(context: int = 1024, slots: int = 1, **facts: object) -> Plan:
    model = starter()
    known = replace(model.facts, **facts)  # type: ignore[arg-type]
    return Plan(replace(model, facts=known), "llamacpp", context, slots, threads=1)


def kv(asked: Plan) -> int:
    return weights_and_kv_bytes(asked) - asked.model.facts.file_bytes


def test_the_starters_cache_is_six_layers_of_four_heads_of_32() -> None:
    assert kv(plan()) == 6 * 1024 * 4 * (32 + 32) * 2
    assert kv(plan(slots=3)) == 3 * kv(plan())


def test_cells_come_in_256s() -> None:
    assert kv(plan(context=1)) == kv(plan(context=256)) < kv(plan(context=257))


def test_a_window_bounds_its_layers() -> None:
    windowed = plan(attention=(AttentionKind.WINDOWED,) * 6, window=64, context=4096)
    assert kv(windowed) == 6 * 768 * 4 * 64 * 2  # 64 and one physical batch of 512, in 256s


def test_a_latent_layer_keeps_one_vector_and_a_recurrent_one_nothing() -> None:
    latent = plan(attention=(AttentionKind.LATENT,) * 6, head_length_k=576)
    assert kv(latent) == 6 * 1024 * 576 * 2
    assert kv(plan(attention=(AttentionKind.RECURRENT,) * 6)) == 0


def test_it_says_what_it_counts() -> None:
    assert WEIGHTS_AND_KV.words == "weights + KV cache"
    assert WEIGHTS_AND_KV.bytes_of(plan()) == weights_and_kv_bytes(plan())
