"""The document keeps its names, and gives back the report that it was made of."""

from __future__ import annotations

import json

from stoker.comparing.report import Report, Row, Speed, from_document, to_document


def test_a_report_comes_back_from_its_document(report: Report) -> None:
    assert from_document(json.loads(json.dumps(to_document(report)))) == report


def test_a_report_of_nothing_yet_comes_back_too(report: Report) -> None:
    report.rows = [Row("f16", "shop", "F16")]
    report.verdict = None
    assert from_document(to_document(report)) == report


def test_the_names_that_programs_read_are_pinned(report: Report) -> None:
    document = to_document(report)
    assert set(document) == {
        *("base", "settings", "tasks_source", "text_source", "memory_predicted_by", "rows"),
        *("stoker", "date", "partial", "verdict", "notes", "seconds", "format"),
    }
    assert set(document["rows"][1]) == {
        *("name", "model", "quantization", "file_bytes", "bits_per_weight", "context_tokens"),
        *("memory_predicted_bytes", "memory_peak_bytes", "prefill", "decode", "text", "tasks"),
        *("tasks_so_far", "failures", "digest"),
    }
    assert set(document["rows"][1]["text"]["divergence"]) == {
        *("scored_tokens", "kl_mean_nats", "kl_error_nats", "kl_p99_nats", "same_top_share"),
    }
    assert set(document["rows"][1]["prefill"]) == {
        *("median_tok_s", "low_tok_s", "high_tok_s", "rounds"),
    }
    assert set(document["verdict"]) == {
        *("best", "cheapest", "tasks", "p_values", "worse", "least_visible_loss", "words"),
    }


def test_each_share_is_written_out(report: Report) -> None:
    tasks = to_document(report)["rows"][2]["tasks"]
    assert tasks["accuracy"]["share"] == 0.5
    assert tasks["by_category"]["sums"]["share"] == 0.0
    assert tasks["by_category"]["names"]["share"] == 1.0


def test_the_wrong_tasks_tell_the_right_ones(report: Report) -> None:
    tasks = report.rows[0].tasks
    assert tasks is not None
    assert tasks.right() == [False] + [True] * 39


def test_the_spread_is_half_of_the_range() -> None:
    assert Speed(100.0, 90.0, 130.0, 3).spread_percent == 20.0
