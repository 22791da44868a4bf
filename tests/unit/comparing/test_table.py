"""What a person is shown fits the width, and says what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stoker.comparing.columns import WIDTH
from stoker.comparing.report import Failure, Report, Row, Speed, WrongAnswer
from stoker.comparing.table import tables, thousandths
from stoker.comparing.verdict import Answers, judge


def line_of(report: Report, name: str) -> str:
    return next(line for line in tables(report).split("\n") if line.startswith(name))


def test_each_candidate_has_one_line_with_its_figures(report: Report) -> None:
    line = line_of(report, "q8_0")
    assert line.split() == [
        *("q8_0", "5.4", "8.4", "50.4", "4000", "±10%", "88.2", "±6%", "1.5000"),
        *("0.007", "0.057", "99.00", "97.5", "(87.1-99.6)"),
    ]


def test_the_base_has_no_divergence_from_itself(report: Report) -> None:
    assert line_of(report, "f16").split()[9:12] == ["-", "-", "-"]


def test_no_line_is_wider_than_a_terminal(report: Report) -> None:
    report.rows += [replace(report.rows[1], name=f"{'long' * 9}-{n}") for n in range(9)]
    report.rows[1].failures.append(Failure("tasks", "the engine said: " + "word " * 60))
    shown = tables(report)
    assert max(map(len, shown.split("\n"))) <= WIDTH
    assert "no room for KL 99 %" in shown


def test_each_category_has_its_interval_for_each_candidate(report: Report) -> None:
    lines = tables(report).split("\n")
    at = next(at for at, line in enumerate(lines) if line.startswith("right, %"))
    assert lines[at].split()[4:] == ["tasks", "f16", "q8_0", "q2"]
    assert lines[at + 1].split() == [
        *("sums", "20", "95", "76-99", "95", "76-99", "0", "0-16"),
    ]


def test_tasks_of_one_kind_need_no_table_of_kinds(report: Report) -> None:
    for row in report.rows:
        assert row.tasks is not None
        row.tasks = replace(row.tasks, by_category={"all": row.tasks.accuracy})
    assert "right, % (95 %)" not in tables(report)


def test_the_verdict_says_what_it_cannot_see(report: Report) -> None:
    shown = " ".join(tables(report).split())
    assert "q8_0 is enough" in shown
    assert "q2 is significantly worse" in shown
    assert "cannot see a loss of fewer than 7 tasks (17.5 points)" in shown


def test_what_was_not_measured_is_a_dash_and_its_column_goes_when_nobody_has_it(
    report: Report,
) -> None:
    report.rows[1] = Row("q8_0", "shop", "Q8_0", file_bytes=5 << 20)
    for row in report.rows:
        row.memory_peak_bytes = None
    shown = tables(report)
    assert "peak" not in shown.split("\n")[0]
    assert set(line_of(report, "q8_0").split()[2:]) == {"-"}


def test_nothing_but_names_can_be_shown(report: Report) -> None:
    report.rows = [Row("f16", "shop", "F16")]
    report.partial, report.verdict = True, None
    assert "Interrupted" in tables(report)


def test_a_failure_is_told_once_with_the_phases_it_hit(report: Report) -> None:
    report.rows[2] = Row("q2", "shop", "Q2")
    report.rows[2].failures = [Failure("text", "no such thing"), Failure("tasks", "no such thing")]
    assert "q2: text, tasks failed: no such thing" in tables(report)


def test_answers_that_failed_are_told(report: Report) -> None:
    tasks = report.rows[0].tasks
    assert tasks is not None
    lost = WrongAnswer(0, "", "the process went away")
    report.rows[0].tasks = replace(tasks, failed=1, wrong=(lost,))
    assert "f16: 1 task failed, which counts as wrong: the process went" in tables(report)


def test_tasks_that_were_cut_short_are_told(report: Report) -> None:
    done = report.rows[2].tasks
    assert done is not None
    report.rows[2].tasks, report.rows[2].tasks_so_far = None, done.accuracy
    assert "q2: ended after 40 tasks, of which 20 are right" in tables(report)


def test_other_vocabularies_are_compared_by_bits(report: Report) -> None:
    for row in report.rows:
        assert row.text is not None
        row.text = replace(row.text, divergence=None, by_category={})
    head = tables(report).split("\n\n")[0]
    assert "a byte" in head
    assert "KL" not in head


@pytest.mark.parametrize(
    ("nats", "shown"),
    [(0.0000071, "0.007"), (0.0017, "1.70"), (0.0146, "14.6"), (1.25, "1250"), (0.0, "0.000")],
)
def test_thousandths_have_three_figures(nats: float, shown: str) -> None:
    assert thousandths(nats) == shown


def test_one_candidate_alone_is_judged_in_words_too(report: Report) -> None:
    first = report.rows[0].tasks
    assert first is not None
    report.verdict = judge([Answers("f16", 1, first.right())])
    assert "nothing to compare it with" in " ".join(tables(report).split())


def test_one_round_has_no_median(report: Report) -> None:
    report.settings = replace(report.settings, rounds=1)
    report.rows = [replace(one, decode=Speed(88.2, 88.2, 88.2, 1)) for one in report.rows]
    assert "Speeds: of 1 round, 1 answer at a time" in " ".join(tables(report).split())
    assert line_of(report, "q8_0").split()[6:8] == ["88.2", "1.5000"]
