"""The figures in the benchmarks' README are those of the result files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def readme(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(FOLDER))
    yield import_module("readme")
    for name in ("readme", "harness"):
        sys.modules.pop(name, None)


def test_the_readme_shows_what_was_measured(readme: ModuleType) -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert readme.filled(text) == text


def test_every_benchmark_has_a_table_in_the_readme(readme: ModuleType) -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name in readme.NAMES:
        assert f"<!-- {name} -->\n" in text
        assert f"| {name} | Stoker |" in text


def test_a_missed_limit_is_seen(readme: ModuleType) -> None:
    harness = sys.modules["harness"]
    row = harness.Row("added", 2.0, 1.0, 1.0, "s", harness.AT_MOST, 0.35)
    result = harness.Result("coldstart", "alone", [row])
    assert not result.ok
    assert "**missed**" in readme.table(harness.to_document(result, quick=False))
