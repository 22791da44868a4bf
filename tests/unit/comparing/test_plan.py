"""Who is compared with whom; what makes no sense is refused before anything is made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stoker.comparing.plan import (
    CANDIDATES_MAX,
    QUANTS_DEFAULT,
    bits,
    default_quants,
    is_requantized,
    precisions,
    several,
)
from stoker.core.errors import InvalidRequestError, UnsupportedModelError
from stoker.core.model import LocalModel, ModelRef, Task
from stoker.models.catalogue import starter


def model(name: str = "shop", quantization: str = "F16", **facts: object) -> LocalModel:
    known = {"quantization": quantization, **facts}
    return LocalModel(
        ModelRef(name),
        Path(f"/{name}.gguf"),
        replace(starter().facts, **known),  # type: ignore[arg-type]
    )


def test_the_model_itself_is_the_base_and_the_rest_is_made_finest_first() -> None:
    found = precisions(model(), ["q4_0", "Q8_0", "q5_1", "q4_0"])
    assert [one.name for one in found.all] == ["f16", "q8_0", "q5_1", "q4_0"]
    assert [one.make for one in found.all] == [None, "Q8_0", "Q5_1", "Q4_0"]
    assert found.base.name == "f16"


def test_the_models_own_type_is_not_made_again() -> None:
    assert [one.name for one in precisions(model(), ["f16", "q8_0"]).all] == ["f16", "q8_0"]


def test_a_type_above_the_models_own_is_refused_with_the_reason() -> None:
    with pytest.raises(InvalidRequestError, match="shop is Q5_0 already; as q8_0 it would be lar"):
        precisions(model(quantization="Q5_0"), ["q4_0", "q8_0"])


@pytest.mark.parametrize("word", ["q9_9", "q4_k_m", "", "f16 "])
def test_a_type_that_cannot_be_made_is_refused_with_a_list(word: str) -> None:
    with pytest.raises((UnsupportedModelError, InvalidRequestError)) as caught:
        precisions(model(), [word])
    assert "q4_0" in caught.value.hint


def test_the_usual_types_are_those_below_the_models_own() -> None:
    assert default_quants(model()) == QUANTS_DEFAULT
    assert default_quants(model(quantization="Q5_0")) == ("q4_1", "q4_0")
    assert default_quants(model(quantization="Q4_0")) == ()


def test_bits_are_those_of_the_format() -> None:
    assert (bits("F16"), bits("Q8_0"), bits("Q4_0"), bits("?")) == (16, 8.5, 4.5, 0)


def test_the_largest_of_several_models_is_the_base() -> None:
    small, large = model("small", parameters=10), model("large", parameters=20)
    found = several([("./small.gguf", small), ("large", large)])
    assert [one.name for one in found.all] == ["large", "small"]
    assert all(one.make is None for one in found.all)


def test_of_equal_models_the_finer_is_the_base() -> None:
    coarse, fine = model("coarse", "Q4_0"), model("fine", "Q8_0")
    assert several([("coarse", coarse), ("fine", fine)]).base.name == "fine"


def test_models_of_one_name_are_called_as_they_were_written() -> None:
    one, other = model("m", parameters=2), replace(model("m", parameters=1), path=Path("/b/m.gguf"))
    found = several([("a/m.gguf", one), ("b/m.gguf", other)])
    assert [candidate.name for candidate in found.all] == ["a/m.gguf", "b/m.gguf"]


def test_one_model_twice_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="twice"):
        several([("m", model("m")), ("n", model("m"))])


def test_an_embedding_model_is_refused_with_a_hint() -> None:
    embeds = model(task=Task.EMBED)
    with pytest.raises(InvalidRequestError, match="makes embeddings") as caught:
        precisions(embeds, ["q8_0"])
    assert "stoker show" in caught.value.hint
    with pytest.raises(InvalidRequestError, match="makes embeddings"):
        several([("a", model("a")), ("shop", embeds)])


def test_too_many_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="too many"):
        several([(f"m{n}", model(f"m{n}")) for n in range(CANDIDATES_MAX + 1)])


def test_shrinking_what_was_shrunk_is_noticed() -> None:
    assert is_requantized(precisions(model(quantization="Q8_0"), ["q4_0"]))
    assert not is_requantized(precisions(model(), ["q4_0"]))
    assert not is_requantized(several([("a", model("a", "Q8_0")), ("b", model("b", "Q4_0"))]))
