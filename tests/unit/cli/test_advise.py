"""`stoker advise` answers in one line first, in words that fit, and in JSON that stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from stoker.cli.advise import command, describe
from stoker.cli.pages.advice_text import WIDTH, explain, render
from stoker.cli.terminal.asking import QUESTIONS, ask
from stoker.core.advice import Answer
from stoker.core.errors import (
    ContradictoryNeedsError,
    FileMissingError,
    InvalidRequestError,
    NotFoundError,
)
from stoker.library.judging.advising import suggest_runtime
from stoker.library.judging.constraints import known_names
from stoker.machine.document import document_of
from stoker.machine.presets import find_preset
from stoker.published.rules import load_rules
from stoker.testing.machines import MACHINES

NEEDS = [
    {},
    {"data": "mixed", "operations": "weak", "requests_per_day": 2000},
    {"data": "machine", "quality": "frontier"},
    {"requests_per_day": 5000, "operations": "strong", "costs": {"usd_per_kwh": 0.3}},
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was ever measured of this machine."""
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


@pytest.mark.parametrize("needs", NEEDS)
@pytest.mark.parametrize("width", [WIDTH, 60])
def test_every_line_fits_and_the_first_is_the_answer(needs: dict[str, Any], width: int) -> None:
    advice = suggest_runtime(needs, machine=MACHINES["laptop"])
    lines = render(advice, width=width) + explain(advice, load_rules(), width=width)
    assert max(map(len, lines)) <= width
    assert " ".join(lines).startswith(advice.headline)
    assert "{" not in "".join(lines)


def test_the_sections_come_in_their_order() -> None:
    result = run("--data", "mixed", "--operations", "weak", "--requests", "2000")
    titles = [line for line in result.stdout.splitlines() if line and not line.startswith(" ")][1:]
    assert titles == [
        "What to expect here",
        "Why",
        "On the other side",
        "The boundary",
        "What it costs",
        "What would change it",
        "What to watch",
        "Assumed",
        "Not known",
    ]


def test_json_has_the_answer_its_reasons_and_the_costs() -> None:
    result = run("--data", "mixed", "--operations", "weak", "--requests", "2000", "--json")
    document = json.loads(result.stdout)
    assert (document["answer"], document["decided_by"]) == ("hybrid", "mixed-data-and-few-hands")
    assert document["reasons"][0]["role"] == "decides"
    assert document["api_cost"]["total_usd_month"]["p50"] > 0
    assert document["local_cost"]["total_usd_month"] is None
    assert document["local"]["fit"] in {"fits", "tight"}


def test_what_is_infinite_is_null_in_json() -> None:
    stated = {
        "requests_per_day": 1000,
        "costs": {"purchase_usd": 0, "usd_per_kwh": 0.5, "usd_per_person_hour": 0},
        "api": {"model": "a/b", "input_usd_mtok": 0.1, "output_usd_mtok": 0.5},
    }
    document = describe(suggest_runtime(stated, machine=MACHINES["gaming"]))
    told = json.loads(json.dumps(document, allow_nan=False))
    assert told["answer"] in {"local", "api", "hybrid"}


def test_a_contradiction_is_printed_and_then_refused() -> None:
    result = run("--data", "machine", "--quality", "frontier")
    assert isinstance(result.exception, ContradictoryNeedsError)
    assert result.exception.exit_code == 3
    assert "data" in result.exception.hint
    assert "What to relax" in result.stdout


def test_a_file_is_taken_and_flags_win_over_it(tmp_path: Path) -> None:
    path = tmp_path / "needs.toml"
    path.write_text('data = "machine"\nquality = "basic"\n[costs]\nusd_per_kwh = 0.3\n')
    assert json.loads(run("--needs", str(path), "--json").stdout)["answer"] == "local"
    flagged = run("--needs", str(path), "--data", "anywhere", "--watts-idle", "3", "--json")
    assert json.loads(flagged.stdout)["answer"] == "api"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("qualty = 1", "qualty is not a need"),
        ("costs = 3", "costs: it must be a table"),
        ("quality =", "not TOML"),
    ],
)
def test_a_file_that_is_wrong_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "needs.toml"
    path.write_text(text)
    result = run("--needs", str(path), "--usd-per-kwh", "0.3")
    assert isinstance(result.exception, InvalidRequestError)
    assert message in result.exception.message


def test_tasks_are_checked_and_pointed_to(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_text('{"prompt": "2+2?", "expected": "4", "match": "contains"}\n')
    assert "stoker compare" in run("--data", "machine", "--tasks", str(path)).stdout
    path.write_text("no tasks\n")
    assert isinstance(run("--tasks", str(path)).exception, InvalidRequestError)


def test_every_rule_is_explained_on_request() -> None:
    told = run("--data", "machine", "--explain").stdout
    assert all(rule.name in told for rule in load_rules().rules)
    assert "fired  data-stays-on-this-machine: data is machine" in told


def test_the_help_shows_every_need() -> None:
    text = run("--help").stdout
    for name in (*known_names(), *known_names("costs"), *known_names("api")):
        assert name in text


def test_without_a_terminal_nothing_is_asked() -> None:
    result = run()
    assert result.exit_code == 0
    assert result.stderr == ""


def answer(text: str, given: dict[str, Any] | None = None) -> tuple[dict[str, Any], Result]:
    answers: dict[str, Any] = {}

    @click.command()
    def asking() -> None:
        answers.update(ask(given or {}))

    return answers, CliRunner().invoke(asking, input=text)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person is there to be asked."""
    monkeypatch.setattr("stoker.cli.advise.is_asked", lambda: True)


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_where_data_may_go_is_asked_whatever_else_was_stated() -> None:
    result = CliRunner().invoke(command, ["--requests", "50", "--json"], input="machine\n")
    assert "Where may your data go?" in result.stderr
    assert "How good" not in result.stderr
    document = json.loads(result.stdout)
    assert (document["data_note"], document["if_data_stays"]) == ("", None)
    assert document["answer"] in {"local", "contradiction"}


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("stated", [["--data", "anywhere"], ["--offline"]])
def test_on_a_terminal_nothing_is_asked_where_it_was_stated(stated: list[str]) -> None:
    assert CliRunner().invoke(command, ["--json", *stated], input="").stderr.count("?") == 0


@pytest.mark.usefixtures("terminal")
def test_a_question_that_is_skipped_is_an_assumption() -> None:
    told = CliRunner().invoke(command, ["--requests", "50"], input="\n").stdout
    assert "Nobody said where data may go" in told


def test_without_a_terminal_the_answer_if_data_had_to_stay_is_told() -> None:
    told = " ".join(run("--requests", "50").stdout.split())
    assert "Nobody said where data may go: this assumes anywhere." in told
    assert "If it had to stay on this machine:" in told
    assert "Assumed - Data may go anywhere, a project in production, one answer at a time" in told
    document = json.loads(run("--requests", "50", "--json").stdout)
    assert document["assumed"][0] == "data may go anywhere"
    assert document["if_data_stays"] in {"local", "contradiction"}


def test_the_home_of_nobody_is_no_file() -> None:
    result = run("--needs", "~nobody-of-that-name/needs.toml")
    assert isinstance(result.exception, FileMissingError)


def test_a_split_is_told_with_a_cost_of_its_own() -> None:
    stated = ["--data", "mixed", "--operations", "weak", "--requests", "2000", "--json"]
    document = json.loads(run(*stated, "--local-share", "0.3").stdout)
    assert document["hybrid_cost"]["total_usd_month"] is None
    assert "share-not-stated" not in " ".join(document["watch"])
    assert any("local_share" in line for line in json.loads(run(*stated).stdout)["watch"])


def test_questions_can_all_be_skipped() -> None:
    answers, result = answer("\n" * len(QUESTIONS))
    assert answers == {
        "offline": False,
        "quality": "good",
        "stage": "production",
    }
    assert result.stdout == ""


def test_answers_become_needs_and_costs() -> None:
    needs = ["mixed", "no", "better", "prod", "weak", "2,000", "1500", ""]
    wishes = ["4", "8192", "2.5", "5", "0.3", "$300", "My Tasks.jsonl"]
    answers, _ = answer("\n".join([*needs, *wishes, "1800", "0.3", "2", "60", ""]))
    assert answers["data"] == "mixed"
    assert (answers["requests_per_day"], answers["prompt_tokens"]) == (2000.0, 1500)
    assert (answers["answer_tokens"], answers["budget_usd_month"]) == (300, 300.0)
    assert answers["stage"] == "production"
    assert (answers["concurrency"], answers["context"]) == (4, 8192)
    assert (answers["ttft_s_max"], answers["tok_s_min"]) == (2.5, 5.0)
    assert (answers["local_share"], answers["tasks"]) == (0.3, "My Tasks.jsonl")
    assert answers["costs"] == {
        "purchase_usd": 1800.0,
        "usd_per_kwh": 0.3,
        "person_hours_month": 2.0,
        "usd_per_person_hour": 60.0,
    }
    del answers["tasks"]  # there is no such file
    assert suggest_runtime(answers, machine=MACHINES["laptop"]).headline


def test_costs_are_not_asked_for_where_they_decide_nothing() -> None:
    answers, result = answer("machine\n" + "\n" * 4 + "2000\n" + "\n" * 12)
    assert answers["data"] == "machine"
    assert "kWh" not in result.stderr


def test_a_wrong_answer_is_asked_again() -> None:
    answers, result = answer("moon\nm\nmachine\n" + "\n" * 4 + "many\n-3\n50\n" + "\n" * 13)
    assert (answers["data"], answers["requests_per_day"]) == ("machine", 50.0)
    assert result.stderr.count("please") == 4


@pytest.mark.parametrize(
    ("name", "typed", "words"),
    [
        ("local_share", "30", "a number from 0 to 1"),
        ("concurrency", "0", "a number from 1 on"),
        ("ttft_s_max", "0", "a number from 0.001 on"),
    ],
)
def test_a_number_out_of_its_bounds_is_asked_again(name: str, typed: str, words: str) -> None:
    question = next(one for one in QUESTIONS if one.name == name)
    given = {"data": "mixed", "requests_per_day": 5}

    @click.command()
    def asking() -> None:
        click.echo(ask(given, [question])[name])

    result = CliRunner().invoke(asking, input=f"{typed}\n1\n")
    assert words in result.stderr
    assert float(result.stdout) == 1


def test_leaving_leaves() -> None:
    _, result = answer("")
    assert result.exit_code == 1
    assert "Aborted" in result.stderr


@pytest.mark.slow
def test_another_machine_is_asked_about_by_its_preset_or_its_file(tmp_path: Path) -> None:
    stated = ("--data", "machine", "--quality", "better")
    small = json.loads(run(*stated, "--machine", "rtx-3060", "--json").stdout)
    large = json.loads(run(*stated, "--machine", "m2-ultra", "--json").stdout)
    assert (small["answer"], large["answer"]) == ("local", "local")
    assert large["local"]["device"] == "gpu"
    assert large["local"]["speed_source"] == "published"
    assert large["local"]["stream_tok_s"]["p10"] > small["local"]["stream_tok_s"]["p90"]
    path = tmp_path / "laptop.json"
    path.write_text(json.dumps(document_of(MACHINES["laptop"])))
    told = json.loads(run("--machine", str(path), "--json").stdout)
    assert told["options"] == describe(suggest_runtime(machine=MACHINES["laptop"]))["options"]


def test_a_machine_that_nobody_knows_is_refused() -> None:
    assert isinstance(run("--machine", "rtx-9999").exception, NotFoundError)
    assert isinstance(run("--machine", "./none.json").exception, FileMissingError)


def test_where_speeds_come_from_is_said() -> None:
    told = " ".join(run("--machine", "rx-7900-xtx", "--explain").stdout.split())
    assert "tokens/s (published)" in told
    assert "speeds by makers' figures and published speeds of like devices" in told
    here = " ".join(run("--explain").stdout.split())
    assert "speed unknown" in here
    assert "calibration: nothing calibrated" in here


def test_how_fast_it_answers_here_is_told_whether_or_not_anybody_asked() -> None:
    local = "\n".join(
        render(suggest_runtime(data="machine", machine=MACHINES["gaming"]), width=500)
    )
    assert "What to expect here" in local
    assert "tokens/s for each answer, by makers' figures and published speeds; the first" in local
    api = suggest_runtime(data="anywhere", operations="none", machine=MACHINES["gaming"])
    assert api.answer is Answer.API
    assert "What to expect here" not in "\n".join(render(api))


def test_which_speed_is_missing_is_said_and_that_nobody_knows_what_the_machine_serves() -> None:
    card = find_preset("mi300x").machine
    advice = suggest_runtime(data="machine", requests_per_day=8000, machine=card)
    text = " ".join(" ".join(render(advice)).split())
    assert advice.answer is Answer.LOCAL
    assert "how soon an answer begins is not known" in text
    assert "Whether this machine serves 8,000 requests a day is not known: prompt tokens" in text
    assert "prompt tokens per second here" in advice.missing
    assert "tokens per second here" not in advice.missing


def test_an_endpoint_that_nobody_named_is_said_to_be_stokers_choice() -> None:
    chosen = suggest_runtime(data="anywhere", machine=MACHINES["laptop"])
    assert chosen.api is not None
    assert f"{chosen.api.reference} as the endpoint, which is Stoker's choice" in chosen.assumed
    named = suggest_runtime(
        data="anywhere", api={"model": "openai/gpt-5-mini"}, machine=MACHINES["laptop"]
    )
    assert not any("Stoker's choice" in one for one in named.assumed)
