"""Every format that files have is of a family, and every family has somebody to borrow from."""

from __future__ import annotations

import pytest

from stoker.models.gguf.types import TENSOR_TYPES
from stoker.planning.speed.formats import families, format_family, lender_of

NOT_FOR_WEIGHTS = {"Q8_1", "Q8_K", "I8", "I16", "I32", "I64", "F64", "Q1_0"}


def test_every_format_of_weights_is_of_a_family() -> None:
    names = {one.name for one in TENSOR_TYPES.values()} - NOT_FOR_WEIGHTS
    assert {format_family(name) for name in names} <= set(families())


def test_a_format_that_nobody_knows_is_said_to_be_unknown() -> None:
    assert format_family("Q99") == "unknown"
    assert lender_of("unknown", families()) is None


@pytest.mark.parametrize("family", families())
def test_a_family_borrows_from_others_only_where_it_has_nothing_itself(family: str) -> None:
    assert lender_of(family, families()) == family
    assert lender_of(family, set(families()) - {family}) not in {family, None}
    assert lender_of(family, ()) is None
