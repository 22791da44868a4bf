"""Engines by name, imported when they are asked for."""

import pytest

from stoker.core.errors import NotFoundError
from stoker.engines.registry import engine_names, find_engine


@pytest.mark.parametrize("name", engine_names())
def test_every_listed_engine_is_found_by_its_name(name: str) -> None:
    assert find_engine(name).name == name


def test_an_unknown_engine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(NotFoundError) as caught:
        find_engine("llamacp")
    assert "llamacpp" in caught.value.hint
