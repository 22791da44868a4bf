"""The table and the picture in the documents are those of the kept result."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def docs(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(FOLDER))
    yield import_module("docs")
    for name in ("docs", "harness"):
        sys.modules.pop(name, None)


def test_the_pages_show_what_was_measured(docs: ModuleType) -> None:
    for page, sections in docs.PAGES.items():
        text = (docs.DOCS / page).read_text(encoding="utf-8")
        for name, section in sections.items():
            assert section() in text, (page, name)
            assert docs.filled(text, name, section()) == text, (page, name)


def test_every_part_that_is_measured_is_written(docs: ModuleType) -> None:
    for page, sections in docs.PAGES.items():
        text = (docs.DOCS / page).read_text(encoding="utf-8")
        assert text.count("<!-- end ") == len(sections)


def test_the_picture_shows_what_was_measured(docs: ModuleType) -> None:
    assert docs.PICTURE.read_text(encoding="utf-8") == docs.plot(docs.report())


def test_what_was_compared_is_whole_and_in_time(docs: ModuleType) -> None:
    report = docs.report()
    assert not report.partial
    assert [row.name for row in report.rows] == ["f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]
    assert sum(report.seconds.values()) < 180
