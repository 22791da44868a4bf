"""The packaged model and the documents: their figures are the measured ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from training import report

ROOT = Path(__file__).parents[3]
STARTER = ROOT / "src" / "stoker" / "models" / "starter"


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(report.RESULTS.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((STARTER / "manifest.json").read_text(encoding="utf-8"))
    return loaded


def test_the_manifest_describes_the_file(manifest: dict[str, Any], results: dict[str, Any]) -> None:
    parameters = results["training"]["parameters"]
    assert manifest == report.manifest_for(STARTER / "starter.gguf", parameters)


def test_the_file_is_a_gguf_of_at_most_16_mb() -> None:
    with (STARTER / "starter.gguf").open("rb") as file:
        assert file.read(4) == b"GGUF"
    assert (STARTER / "starter.gguf").stat().st_size <= 16_000_000


def test_the_measured_file_is_the_packaged_one(results: dict[str, Any]) -> None:
    assert results["precisions"]["f16"]["bytes"] == (STARTER / "starter.gguf").stat().st_size


def test_the_size_is_between_4_and_8_million_parameters(manifest: dict[str, Any]) -> None:
    assert 4_000_000 <= manifest["parameters"] <= 8_000_000


def test_accuracy_at_f16_is_at_least_90_percent(results: dict[str, Any]) -> None:
    full = results["precisions"]["f16"]
    assert full["percent"] >= 90
    assert full["total"] >= 400


def test_the_totals_are_the_sums_of_the_tasks(results: dict[str, Any]) -> None:
    for precision in results["precisions"].values():
        rows = precision["by_task"].values()
        right, total = sum(r["right"] for r in rows), sum(r["total"] for r in rows)
        assert precision["total"] == total
        assert precision["percent"] == round(100 * right / total, 1)


@pytest.mark.parametrize(
    "document", [report.README, STARTER / "MODEL_CARD.md"], ids=lambda p: p.name
)
def test_a_document_quotes_the_measured_results(document: Path, results: dict[str, Any]) -> None:
    text = document.read_text(encoding="utf-8")
    assert report.with_results(text, results) == text
