"""Among what a source has, one model is chosen, or the person is asked."""

from __future__ import annotations

import pytest

from stoker.core.choices import Choice
from stoker.core.errors import InvalidSourceError, SeveralFilesError
from stoker.models.sources.base import Offered, choose, quantization_of


def offered(*names: str) -> list[Offered]:
    return [Offered(name, 1 << 30, None, quantization=quantization_of(name)) for name in names]


@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("model-Q4_K_M.gguf", "Q4_K_M"),
        ("Model.q8_0.gguf", "Q8_0"),
        ("a/b-IQ2_XXS.gguf", "IQ2_XXS"),
        ("model-BF16-00001-of-00002.gguf", "BF16"),
        ("model.gguf", ""),
    ],
)
def test_a_quantization_is_read_from_a_files_name(name: str, quantization: str) -> None:
    assert quantization_of(name) == quantization


def test_the_only_model_is_taken_and_a_projector_is_none() -> None:
    files = offered("README.md", "mmproj-F16.gguf", "m-Q8_0.gguf")
    assert [file.name for file in choose(files, None, "hf:o/r")] == ["m-Q8_0.gguf"]


def test_several_are_listed_with_their_sizes_and_a_command_that_names_one() -> None:
    with pytest.raises(SeveralFilesError) as caught:
        choose(offered("m-Q8_0.gguf", "m-Q4_0.gguf"), None, "hf:o/r")
    assert caught.value.message == "hf:o/r has 2 models"
    assert caught.value.choices == (
        Choice("Q4_0", "Q4_0", 1 << 30),
        Choice("Q8_0", "Q8_0", 1 << 30),
    )
    assert "stoker pull hf:o/r:Q4_0" in caught.value.hint


def test_the_smallest_comes_first_and_counts_what_comes_along() -> None:
    files = [Offered(f"m-{name}.gguf", size, None, quantization=name) for name, size in SIZES]
    beside = (Offered("mmproj.gguf", 5, None),)
    with pytest.raises(SeveralFilesError) as caught:
        choose(files, None, "hf:o/r", lambda _name: beside)
    found = [(one.name, one.size_bytes, one.files) for one in caught.value.choices]
    assert found == [("Q2_K", 7, 2), ("Q8_0", 15, 2), ("F16", None, 2)]
    assert "hf:o/r:Q2_K" in caught.value.hint


@pytest.mark.parametrize("choice", ["q4_0", "Q4_0", "m-Q4_0.gguf"])
def test_a_quantization_or_a_file_names_one(choice: str) -> None:
    files = offered("m-Q8_0.gguf", "m-Q4_0.gguf")
    assert [file.name for file in choose(files, choice, "hf:o/r")] == ["m-Q4_0.gguf"]


def test_a_split_model_is_one_choice_in_order() -> None:
    names = [f"m-Q8_0-0000{part}-of-00003.gguf" for part in (3, 1, 2)]
    assert [file.name for file in choose(offered(*names), "q8_0", "hf:o/r")] == sorted(names)


def test_a_split_model_with_a_part_missing_is_refused() -> None:
    names = [f"m-Q8_0-0000{part}-of-00003.gguf" for part in (1, 3)]
    with pytest.raises(InvalidSourceError, match="2 of 3 parts"):
        choose(offered(*names), None, "hf:o/r")


SIZES = [("Q8_0", 10), ("F16", None), ("Q2_K", 2)]


def test_what_is_not_there_is_said_with_what_is() -> None:
    with pytest.raises(InvalidSourceError, match=r"has no q2_k; it has Q8_0"):
        choose(offered("m-Q8_0.gguf"), "q2_k", "hf:o/r")
    with pytest.raises(InvalidSourceError, match=r"no \.gguf file"):
        choose(offered("README.md"), None, "hf:o/r")


def test_headers_are_left_out_of_an_offers_text() -> None:
    assert "secret" not in repr(Offered("a", 1, None, headers={"Authorization": "secret"}))
