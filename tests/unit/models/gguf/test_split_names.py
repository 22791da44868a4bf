"""The names of a split model's files are read in any case, and written back in the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.models.gguf.split_names import SplitName, split_name


@pytest.mark.parametrize(
    "name", ["M-00002-of-00003.gguf", "m-00002-OF-00003.GGUF", "d/-00002-of-00003.Gguf"]
)
def test_each_name_is_one_of_its_models(name: str) -> None:
    split = split_name(name)
    assert split is not None
    assert (split.number, split.count) == (2, 3)
    assert split.names[1] == name
    assert [split_name(one) for one in split.names] == [
        SplitName(split.stem, number, 3, split.of, split.suffix) for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    "name",
    ["m.gguf", "m-2-of-3.gguf", "m-00002-of-00003.safetensors", "m-00002-of-00003.gguf.txt", "m"],
)
def test_other_names_are_no_parts(name: str) -> None:
    assert split_name(name) is None


@given(st.text(max_size=60))
def test_any_name_is_read_or_none(name: str) -> None:
    split = split_name(name)
    assert split is None or split.model == (split.stem, split.count)
