"""Which type each tensor gets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.errors import InvalidRequestError, UnsupportedModelError
from stoker.models.quantize.choice import FILE_TYPES, Choice, choose, parse_type


@pytest.mark.parametrize("name", ["q4_k_m", "Q6_K", "iq2_xs", "tq1_0"])
def test_types_that_need_a_native_program_say_so(name: str) -> None:
    with pytest.raises(UnsupportedModelError, match="llama-quantize") as caught:
        parse_type(name)
    assert "q8_0" in (caught.value.hint or "")


def test_an_unknown_type_lists_those_there_are() -> None:
    with pytest.raises(InvalidRequestError, match="no type q9_9") as caught:
        parse_type("q9_9")
    assert all(kind.lower() in (caught.value.hint or "") for kind in FILE_TYPES)


@pytest.mark.parametrize("name", ["token_embd.weight", "output.weight"])
def test_embeddings_and_output_keep_eight_bits(name: str) -> None:
    assert choose(name, (64, 10), "F16", "Q4_0") == Choice("Q8_0")


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("blk.0.attn_norm.weight", (64,)),
        ("blk.0.attn_q.bias", (64,)),
        ("position_embd.weight", (64, 8)),
    ],
)
def test_small_and_delicate_tensors_stay(name: str, shape: tuple[int, ...]) -> None:
    assert choose(name, shape, "F32", "Q4_0") == Choice("F32")


@settings(deadline=None)  # a busy machine is no counterexample
@given(st.integers(1, 4096), st.sampled_from(sorted(FILE_TYPES)))
def test_a_row_that_does_not_divide_is_never_in_blocks(row: int, target: str) -> None:
    choice = choose("blk.0.ffn_up.weight", (row, 5), "F32", target)
    blocked = choice.kind not in {"F16", "BF16", "F32"}
    assert not (blocked and row % 32)
    assert choice.fallback == (row > 1 and row % 32 != 0 and target not in {"F16", "BF16"})
