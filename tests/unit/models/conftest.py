"""A real model over several files."""

from __future__ import annotations

from pathlib import Path

import pytest

from stoker.testing.synthetic import write_split_model


@pytest.fixture(scope="session")
def split_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first of three files."""
    return write_split_model(tmp_path_factory.mktemp("split") / "m.gguf", 3)
