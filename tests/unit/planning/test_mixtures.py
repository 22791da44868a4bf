"""A quantization's bytes follow from the shape, and real files of that shape confirm it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stoker.core.published import PublishedSize
from stoker.models.facts import read_facts
from stoker.models.synthetic.write import Shape, write_model
from stoker.planning.mixtures import (
    bytes_in,
    embedding_type_of,
    matrices_of,
    matrices_of_shape,
    native_of,
    type_of,
)
from stoker.published.figures import load_losses, load_shapes, load_sizes

SHAPES = {shape.name: shape for shape in load_shapes()}
# Published with the output matrix stored a second time beside the tokens' vectors.
STORED_TWICE = {"Qwen2.5-0.5B", "Qwen2.5-1.5B"}
EVEN = Shape(8, 512, 8, 2, 1536, 4096, 2048)
ODD = Shape(8, 288, 8, 2, 1536, 4096, 2048)  # no row of it is whole blocks of 256, as in a 0.5B
EXPERTS = Shape(8, 256, 4, 2, 512, 4096, 2048, experts=8, experts_used=2)


def in_four_bits(name: str) -> str:
    layer = int(name.split(".")[1]) if name.startswith("blk") else 0
    if name.endswith(("attn_v", "ffn_down", "ffn_down_exps")):
        return "Q6_K" if layer in {0, 3, 6, 7} else "Q4_K"
    return "Q6_K" if name == "token_embd" else "Q4_K"


def in_two_bits(name: str) -> str:
    if name == "token_embd":
        return "Q6_K"
    if name.endswith("attn_v"):
        return "Q4_K"
    wide = name.endswith(("attn_output", "ffn_down", "ffn_down_exps"))
    return "Q3_K" if wide else "Q2_K"


def in_eights(_name: str) -> str:
    return "Q8_0"


def odd_in_four_bits(name: str) -> str:
    if name.endswith("ffn_down"):  # its rows are whole
        return in_four_bits(name)
    return {"Q6_K": "Q8_0", "Q4_K": "Q5_0"}[in_four_bits(name)]


@pytest.mark.slow
@pytest.mark.parametrize("own", ["F16", "Q8_0"])
@pytest.mark.parametrize(
    ("shape", "name", "kind_of"),
    [
        (EVEN, "Q8_0", in_eights),
        (EVEN, "Q4_K_M", in_four_bits),
        (EVEN, "Q2_K", in_two_bits),
        (ODD, "Q8_0", in_eights),
        (ODD, "Q4_K_M", odd_in_four_bits),
        (EXPERTS, "Q8_0", in_eights),
    ],
)
def test_bytes_told_from_one_files_header_are_those_of_the_other_file(
    tmp_path: Path, own: str, shape: Shape, name: str, kind_of: Callable[[str], str]
) -> None:
    facts = read_facts(write_model(tmp_path / "own.gguf", shape, own))
    written = write_model(tmp_path / "other.gguf", shape, kind_of).stat().st_size
    matrices = matrices_of(facts)
    assert matrices is not None
    assert bytes_in(name, matrices) == pytest.approx(written, rel=0.03)


@pytest.mark.parametrize("size", load_sizes(), ids=lambda one: one.model)
def test_published_files_have_the_bytes_that_their_shapes_tell(size: PublishedSize) -> None:
    told = bytes_in(size.quantization, matrices_of_shape(SHAPES[size.model]))
    if size.model not in STORED_TWICE:
        assert told == pytest.approx(size.size_bytes, rel=0.015)


def test_the_published_ladder_of_an_8b_model_is_met_by_its_shape() -> None:
    matrices = matrices_of_shape(SHAPES["Llama-3.1-8B"])
    ladder = {row.quantization: row.size_gib for row in load_losses() if row.size_gib}
    told = {name: bytes_in(name, matrices) for name in ladder}
    known = {name: size for name, size in told.items() if size}
    assert len(known) >= 7
    for name, size in known.items():
        assert size / 2**30 == pytest.approx(ladder[name], rel=0.005)


def test_eight_bits_of_half_a_billion_weights_are_eight_bits() -> None:
    told = bytes_in("Q8_0", matrices_of_shape(SHAPES["Qwen2.5-0.5B"]))
    assert told == pytest.approx(494e6 * 8.5 / 8, rel=0.03)


def test_of_a_mixture_that_nobody_knows_nothing_is_told() -> None:
    assert bytes_in("Q7_X", matrices_of_shape(SHAPES["Llama-3.1-8B"])) is None


def test_what_a_model_was_trained_in_goes_by_its_name() -> None:
    assert native_of("gpt-oss-120b") == "MXFP4"
    assert native_of("llama") is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Q4_K_M", "Q4_K"),
        ("q8_0", "Q8_0"),
        ("UD-Q2_K_XL", "Q2_K"),
        ("IQ4_XS", "IQ4_XS"),
        ("BF16", "BF16"),
        ("odd", "ODD"),
    ],
)
def test_the_type_behind_a_name(name: str, kind: str) -> None:
    assert type_of(name) == kind


def test_mixtures_keep_vectors_in_six_bits() -> None:
    assert embedding_type_of("Q4_K_M") == "Q6_K"
    assert embedding_type_of("Q8_0") == "Q8_0"
