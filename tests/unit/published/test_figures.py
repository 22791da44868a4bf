"""The tables are whole, have a source for every figure, and agree with each other."""

from __future__ import annotations

import pytest

from stoker.core.needs import Quality
from stoker.core.published import ModelShape
from stoker.published.figures import load_losses, load_shapes, load_sizes, load_speeds
from stoker.published.judgement import load_judgement, to_judgement
from stoker.published.tables import read_toml

SHAPES = {shape.name: shape for shape in load_shapes()}
MLA = {"DeepSeek-V3"}


def counted_parameters(shape: ModelShape, experts: int) -> int:
    """Attention, feed-forward of that many experts, and embeddings; norms and biases left out."""
    assert shape.kv_heads is not None
    assert shape.head_dim is not None
    attention = 2 * shape.hidden * shape.head_dim * (shape.heads + shape.kv_heads)
    forward = 3 * shape.hidden * shape.ffn * experts
    tables = 1 if "tied" in shape.note else 2
    return shape.layers * (attention + forward) + tables * shape.hidden * shape.vocabulary


@pytest.mark.parametrize("name", SHAPES.keys() - MLA)
def test_the_stated_parameters_follow_from_the_shape(name: str) -> None:
    shape = SHAPES[name]
    assert counted_parameters(shape, shape.experts or 1) == pytest.approx(
        shape.parameters, rel=0.02
    )


@pytest.mark.parametrize("name", [name for name in SHAPES if SHAPES[name].experts])
def test_fewer_parameters_are_active_where_there_are_experts(name: str) -> None:
    shape = SHAPES[name]
    assert shape.parameters_active < 0.2 * shape.parameters
    if name not in MLA:
        active = counted_parameters(shape, shape.experts_active)
        assert active == pytest.approx(shape.parameters_active, rel=0.2)


@pytest.mark.parametrize("name", SHAPES.keys() - MLA)
def test_the_kv_bytes_follow_from_the_shape(name: str) -> None:
    shape = SHAPES[name]
    layers = shape.global_layers or shape.layers
    assert shape.kv_bytes_per_token == 2 * 2 * layers * shape.kv_heads * shape.head_dim


def test_a_window_bounds_what_its_layers_keep() -> None:
    gemma = SHAPES["Gemma-3-27B"]
    each = gemma.kv_bytes_per_token // gemma.global_layers
    assert gemma.kv_bytes(100) == 100 * each * gemma.layers
    assert gemma.kv_bytes(4096) == 4096 * each * 10 + 1024 * each * 52


@pytest.mark.parametrize("size", load_sizes(), ids=lambda size: size.model)
def test_a_published_file_has_the_bits_that_its_shape_needs(size: object) -> None:
    shape = SHAPES[size.model]
    bits = 8 * size.size_bytes / shape.parameters
    # Embeddings keep more bits, and are most of a small model.
    assert 4.2 < bits < (8.2 if shape.parameters < 1.2e9 else 5.9)


def test_every_figure_has_a_source() -> None:
    for table in (load_shapes(), load_sizes(), load_losses(), load_speeds()):
        assert table
        assert all(row.source for row in table)


def test_what_a_source_does_not_give_is_none_and_not_0() -> None:
    rows = {(row.model, row.quantization, row.importance_matrix): row for row in load_losses()}
    assert rows["Llama-3.1-8B", "Q4_K_M", False].kl_divergence is None
    assert rows["Llama-3-8B", "Q4_K_M", True].kl_divergence == 0.0282
    assert rows["Llama-3-8B", "Q4_K_M", True].same_top_pct is None
    for row in rows.values():
        assert 0.0 not in {row.bits_per_weight, row.kl_divergence, row.ppl_delta}


def test_bits_per_weight_and_sizes_of_one_model_agree() -> None:
    shape = SHAPES["Llama-3.1-8B"]
    for row in load_losses():
        if row.bits_per_weight and row.size_gib:
            counted = shape.parameters * row.bits_per_weight / 8 / 1024**3
            assert counted == pytest.approx(row.size_gib, rel=0.01)


def test_speeds_are_read_with_what_they_were_measured_on() -> None:
    row = next(one for one in load_speeds() if one.hardware == "Ryzen 7950X" and one.threads == 2)
    assert (row.backend, row.metric, row.tok_s) == ("cpu", "tg128", 4.05)


def test_the_judgement_rises_and_says_why() -> None:
    judgement = load_judgement()
    sizes = [one.parameters_least for one in judgement.size_classes]
    assert sizes == sorted(sizes)
    assert sizes[0] == 0
    assert all(one.why for one in (*judgement.size_classes, *judgement.api_models))
    assert {one.tier for one in judgement.api_models} == set(Quality)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"date": None}, None),
        ({"size_class": [{"parameters_least": 0, "tier": "superb", "why": ""}]}, ValueError),
        ({"watts_cpu": {"idle": 1, "laod": 2}}, TypeError),
        ({"api_speed": {"ttft_s": [3, 2, 1], "tok_s": [1, 2, 3]}}, ValueError),
    ],
)
def test_a_judgement_that_is_not_whole_is_refused(
    change: dict[str, object], error: type[Exception] | None
) -> None:
    document = read_toml("judgement.toml") | change
    if error is None:
        assert to_judgement(document).date is None
        return
    with pytest.raises(error):
        to_judgement(document)
