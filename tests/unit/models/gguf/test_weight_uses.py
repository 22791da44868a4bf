"""What weights are for is told by the tensors' names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stoker.calibrating.subjects import SHAPES, facts_of
from stoker.core.weights import Use, WeightUse
from stoker.models.facts import read_facts
from stoker.models.gguf.weight_uses import group_of, weight_uses
from stoker.models.synthetic.write import TINY, write_model
from stoker.planning.speed.work import work_of


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("token_embd.weight", "embedding"),
        ("output.weight", Use.OUTPUT),
        ("blk.3.ffn_down_exps.weight", Use.EXPERT),
        ("blk.3.ffn_down_shexp.weight", Use.BODY),
        ("blk.3.attn_q.weight", Use.BODY),
        ("per_layer_token_embd.weight", Use.LOOKUP),
        ("output_norm.weight", Use.BODY),
    ],
)
def test_a_name_says_what_a_matrix_is_for(name: str, group: str) -> None:
    assert group_of(name) == group


def test_a_matrix_of_the_tokens_is_looked_up_in_where_the_output_has_its_own() -> None:
    sizes = {("embedding", "Q4_K"): 10, ("body", "Q4_K"): 30}
    tied = weight_uses(sizes, sizes)
    assert tied == (WeightUse(Use.BODY, "Q4_K", 30, 30), WeightUse(Use.OUTPUT, "Q4_K", 10, 10))
    sizes = {**sizes, ("output", "Q6_K"): 20}
    apart = weight_uses(sizes, sizes)
    assert {(one.use, one.format, one.elements) for one in apart} == {
        (Use.BODY, "Q4_K", 30),
        (Use.OUTPUT, "Q6_K", 20),
        (Use.LOOKUP, "Q4_K", 10),
    }


def test_an_encoder_writes_nothing_and_has_no_output_matrix() -> None:
    sizes = {("embedding", "Q8_0"): 10, ("body", "Q8_0"): 30}
    uses = weight_uses(sizes, sizes, encoder=True)
    assert {one.use: one.elements for one in uses} == {Use.BODY: 30, Use.LOOKUP: 10}


@pytest.mark.parametrize("shape", ["small", "experts"])
def test_a_file_states_what_its_shape_was_reckoned_to_have(tmp_path: Path, shape: str) -> None:
    """The calibration reckons with shapes, plans with headers: both must mean the same work."""
    sizes = replace(SHAPES[shape], layers=2)
    read = work_of(read_facts(write_model(tmp_path / "m.gguf", sizes, "Q4_K")))
    reckoned = work_of(facts_of(sizes, "Q4_K"))
    assert replace(read, uses=()) == replace(reckoned, uses=())
    quantized = {one for one in read.uses if one.format != "F32"}
    assert quantized == set(reckoned.uses)
    plain = sum(one.elements for one in read.uses if one.format == "F32")
    assert plain < 0.01 * sum(one.elements for one in quantized)


def test_all_weights_of_a_file_have_a_use(tmp_path: Path) -> None:
    facts = read_facts(write_model(tmp_path / "m.gguf", TINY, "Q8_0"))
    assert sum(one.size_bytes for one in facts.uses) == sum(size for _, size in facts.weight_bytes)
    assert sum(one.elements for one in facts.uses) == facts.parameters
