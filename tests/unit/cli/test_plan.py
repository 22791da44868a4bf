"""`stoker plan` says the verdict first, fits the terminal, and keeps the keys programs read."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stoker.cli import plan
from stoker.cli.drawing.glyphs import ASCII, UNICODE
from stoker.cli.drawing.plan_bars import together_lines
from stoker.cli.pages.plan_document import describe, describe_rows
from stoker.cli.pages.plan_table import explain_rows, render_rows
from stoker.cli.pages.plan_text import explain, render
from stoker.core.errors import (
    ContradictoryNeedsError,
    FileMissingError,
    InvalidRequestError,
    NotEnoughMemoryError,
)
from stoker.core.estimate import Interval
from stoker.core.model import Task
from stoker.core.needs import Needs
from stoker.core.outcome import Foreteller, Outcome
from stoker.core.plan import Verdict
from stoker.core.proposal import Proposal, Reason, Resident
from stoker.core.units import GIB, format_bytes
from stoker.library.judging.planning import Order, Runnable
from stoker.planning.defaults import Wishes
from stoker.planning.proposal.listing import list_models, too_short
from stoker.planning.proposal.residing import resident_of
from stoker.planning.words import rate_span
from stoker.published.figures import load_losses
from stoker.testing.machines import MACHINES
from support.costing import straight_cost
from support.planning import CATALOGUE, answer, ask

KEYS = (
    "model digest engine device quantization context slots memory speed cost verdict reasons "
    "alternatives fallback"
)
MEMORY = "weights_bytes kv_bytes compute_bytes other_bytes total_bytes available_bytes source"
CASES = [
    ("Llama-3.1-8B", "laptop", {}),
    ("Llama-3.1-70B", "gaming", {"gpus": True}),
    ("Llama-3.1-8B", "busy", {}),
    ("DeepSeek-V3", "board", {}),
    ("Qwen2.5-0.5B", "unmeasured", {}),
]


def resident(*proposals: Proposal) -> Resident:
    worst = next((one.verdict for one in proposals if not one.verdict.usable), Verdict.FITS)
    return resident_of(proposals, worst)


def proposed(name: str, machine: str, more: dict[str, Any]) -> Resident:
    return resident(answer(ask(name, machine, **more)))


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> Callable[[Resident], list[Order]]:
    """`planned(resident)`: the command is given it, and what it asked for is kept."""
    orders: list[Order] = []

    def use(found: Resident) -> list[Order]:
        def plan_models(order: Order) -> Any:
            orders.append(order)
            return found, MACHINES["laptop"]

        monkeypatch.setattr("stoker.library.judging.planning.plan_models", plan_models)
        return orders

    return use


def run(*arguments: str) -> Result:
    return CliRunner().invoke(plan.command, arguments)


@pytest.mark.parametrize(("name", "machine", "more"), CASES)
@pytest.mark.parametrize("width", [100, 60])
def test_every_line_fits_and_the_first_has_the_verdict(
    name: str, machine: str, more: dict[str, Any], width: int
) -> None:
    found = proposed(name, machine, more)
    lines = render(found, MACHINES[machine], width=width, glyphs=UNICODE)
    lines += explain(found, width=width)
    assert max(map(len, lines)) <= width
    assert lines[0].startswith(f"{name}, ")
    assert machine in lines[0]


def test_the_sections_of_a_plan_that_fits_and_of_one_that_does_not() -> None:
    def titles(found: Resident) -> list[str]:
        lines = render(found, MACHINES["laptop"], width=100, glyphs=ASCII)
        pairs = itertools.pairwise(lines)
        return [line for line, after in pairs if after[:4] == "  - " and line[:1] != " "]

    fits = titles(proposed("Llama-3.1-8B", "laptop", {}))
    ways = "Other ways (tokens/s at 640 tokens of context)"
    assert fits[1:] == [ways, "If that cannot be kept", "Why", "Not known"]
    wishes = {"wishes": Wishes(context=65536, slots=4)}
    assert "What would make it fit" in titles(proposed("Llama-3.1-8B", "laptop", wishes))


@pytest.mark.parametrize(("name", "machine", "more"), CASES)
def test_json_has_the_keys_that_programs_read(
    name: str, machine: str, more: dict[str, Any]
) -> None:
    document = describe(proposed(name, machine, more), MACHINES[machine])
    document = json.loads(json.dumps(document, allow_nan=False))
    assert set(KEYS.split()) <= set(document)
    memory = document["memory"]
    assert set(MEMORY.split()) <= set(memory)
    parts = sum(memory[f"{part}_bytes"] for part in ("weights", "kv", "compute", "other"))
    assert parts == memory["total_bytes"] == sum(one["bytes"] for one in memory["parts"])
    for figure in ("load_s", "ttft_s", "prefill_tok_s", "decode_tok_s"):
        told = document["speed"][figure]
        assert told is None or list(told) == ["p10", "p50", "p90"]
    assert document["verdict"] in {verdict.value for verdict in Verdict}


@pytest.mark.parametrize("width", [100, 60])
def test_costs_are_told_and_drawn_where_they_are_known(width: int) -> None:
    cost = straight_cost(60, (0.02, 0.03, 0.05), 0.15, asked=300, most=(700, 900, 1100))
    proposal = replace(answer(ask("Llama-3.1-8B", "laptop")), cost=cost)
    lines = render(resident(proposal), MACHINES["laptop"], width=width, glyphs=ASCII)
    assert max(map(len, lines)) <= width
    assert "Dollars a month by requests a day" in lines
    assert "for a million tokens" in " ".join(" ".join(lines).split())
    document = describe(resident(proposal), MACHINES["laptop"])["cost"]
    json.dumps(document, allow_nan=False)
    assert document["local"]["usd_per_mtok"]["p50"] > document["api"]["usd_per_mtok"]["p50"]
    assert document["watts"] == {"idle": 40, "load": 180, "source": "given", "note": ""}
    assert document["requests_per_day_most"]["p50"] == 900
    assert document["price_dated"] == "2026-11-26"
    without = render(
        resident(answer(ask("Llama-3.1-8B", "laptop"))),
        MACHINES["laptop"],
        width=width,
        glyphs=ASCII,
    )
    assert "Dollars a month by requests a day" not in without


def test_several_models_are_told_together() -> None:
    one, other = answer(ask("Qwen2.5-0.5B")), answer(ask("Llama-3.1-8B", taken={"cpu": GIB}))
    document = describe(resident(one, other), MACHINES["laptop"])
    assert [model["model"] for model in document["models"]] == ["Qwen2.5-0.5B", "Llama-3.1-8B"]
    assert document["total_bytes"] == one.need.total_bytes + other.need.total_bytes
    lines = render(resident(one, other), MACHINES["laptop"], width=100, glyphs=ASCII)
    assert "Together: fits." in lines


@pytest.mark.parametrize("models", [3, 4, 5, 9])
def test_each_model_of_a_set_is_in_the_bar(models: int) -> None:
    taken, found = 0, []
    for _ in range(models):
        found.append(answer(ask("Qwen2.5-0.5B", "server", taken={"cpu": taken})))
        taken += found[-1].need.total_bytes
    # With nothing else available the bar is full of them.
    tight = replace(resident(*found), available_bytes=taken)
    full = replace(found[0].devices[0], available_bytes=taken)
    tight = replace(tight, proposals=(replace(found[0], devices=(full,)), *found[1:]))
    bar, names, sums = together_lines(tight, 100, ASCII)
    assert bar.count(".") < 3  # what rounding leaves
    assert len(set(bar) - {"."}) == min(models, 4)
    assert names.count("Qwen2.5-0.5B") == (models if models <= 4 else 3)
    assert ("others" in names) == (models > 4)
    assert sums.startswith(f"{format_bytes(taken)} in all, ")


def test_a_divided_model_is_held_against_each_of_its_devices() -> None:
    found = proposed("Llama-3.1-70B", "gaming", {"gpus": True})
    lines = render(found, MACHINES["gaming"], width=100, glyphs=ASCII)
    assert "cpu:" in lines
    assert "gpu0 (NVIDIA GeForce RTX 4090):" in lines
    assert "|" not in "".join(lines)  # neither bar is longer than what is there
    (total,) = (line for line in lines if " in all, " in line and "available" in line)
    assert total.count(" GiB of ") == 2
    memory = describe(found, MACHINES["gaming"])["memory"]
    assert memory["total_bytes"] <= memory["available_bytes"]
    assert [one["device"] for one in memory["devices"]] == ["cpu", "gpu0"]
    taken = sum(one["taken_bytes"] for one in memory["devices"])
    assert taken == memory["total_bytes"]
    assert all(one["taken_bytes"] <= one["available_bytes"] for one in memory["devices"])


def test_the_speeds_that_were_wanted_are_told_and_explained() -> None:
    needs = Needs(ttft_s_max=0.001, tok_s_min=1.0)
    found = resident(answer(ask(needs=needs)))
    lines = render(found, MACHINES["laptop"], width=200, glyphs=ASCII)
    at = lines.index("What was wanted")
    assert "within 1 ms: no, " in lines[at + 1]
    assert "1 tokens/s or more: yes, " in lines[at + 2]
    explained = [line for line in explain(found, width=200) if "target: " in line]
    assert len(explained) == 2
    first, second = describe(found, MACHINES["laptop"])["targets"]
    assert (first["name"], first["wanted"], first["met"]) == ("ttft_s_max", 0.001, "no")
    assert (second["name"], second["met"]) == ("tok_s_min", "yes")
    assert second["expected"]["p10"] >= 1


def test_what_does_not_fit_is_shown_and_then_refused_with_the_smallest_change(
    planned: Callable[[Resident], list[Order]],
) -> None:
    wishes = {"wishes": Wishes(context=32768, slots=4)}
    found = proposed("Llama-3.1-8B", "laptop", wishes)
    planned(found)
    result = run("some", "--json")
    assert isinstance(result.exception, NotEnoughMemoryError)
    assert result.exception.exit_code == 3
    assert result.exception.hint == found.proposals[0].changes[0].say
    assert "--parallel" in result.exception.hint
    assert json.loads(result.stdout)["changes"][0]["kind"] == "slots"


def test_where_nothing_helps_the_hint_says_so(planned: Callable[[Resident], list[Order]]) -> None:
    planned(proposed("Llama-3.1-8B", "busy", {"budget_bytes": 1}))
    result = run("some")
    assert isinstance(result.exception, NotEnoughMemoryError)
    assert "larger machine" in result.exception.hint


def test_a_shortage_that_passes_is_not_called_the_machines(
    planned: Callable[[Resident], list[Order]],
) -> None:
    """Other programs have the memory; no smaller form fits beside them."""
    found = proposed("Llama-3.1-8B", "full", {"wishes": Wishes(context=8192, slots=1)})
    planned(found)
    assert found.proposals[0].verdict is Verdict.DOES_NOT_FIT_NOW
    result = run("some")
    assert isinstance(result.exception, NotEnoughMemoryError)
    assert "close other programs, or wait" in result.exception.hint
    assert "larger machine" not in result.exception.hint


@pytest.mark.parametrize(
    ("flags", "way"),
    [
        ([], "larger machine or an API, if data may leave"),
        (["--data", "anywhere"], "larger machine or an API"),
        (["--data", "mixed"], "larger machine or an API for what may leave"),
        (["--data", "machine"], "larger machine"),
        (["--data", "network"], "larger machine"),
        (["--offline"], "larger machine"),
    ],
)
def test_an_api_is_no_way_out_where_data_must_stay(
    planned: Callable[[Resident], list[Order]], flags: list[str], way: str
) -> None:
    planned(proposed("Llama-3.1-8B", "busy", {"budget_bytes": 1}))
    result = run("some", *flags)
    assert isinstance(result.exception, NotEnoughMemoryError)
    assert result.exception.hint.endswith(way)


CONTRADICTION = ContradictoryNeedsError(hint="relax one of: data")


@pytest.mark.parametrize("machine", ["laptop", "busy"])
def test_needs_that_contradict_are_told_with_the_plan_and_nothing_is_written(
    planned: Callable[[Resident], list[Order]], machine: str, tmp_path: Path
) -> None:
    found = replace(proposed("Llama-3.1-8B", machine, {}), contradiction=CONTRADICTION)
    planned(found)
    file = tmp_path / "stoker.toml"
    result = run("some", "--write", str(file))
    assert result.exception is CONTRADICTION
    assert result.stdout.startswith("Llama-3.1-8B, ")
    assert not file.exists()
    told = json.loads(run("some", "--json").stdout)
    assert told["contradiction"] == {"message": CONTRADICTION.message, "hint": CONTRADICTION.hint}
    assert told["verdict"] == found.verdict.value
    assert describe(replace(found, contradiction=None), MACHINES[machine])["contradiction"] is None


@pytest.mark.parametrize(
    ("machine", "words"),
    [([], "run it with `stoker serve"), (["--machine", "m1-max"], "run it on laptop, not here,")],
)
def test_a_plan_for_another_machine_is_not_promised_to_run_here(
    planned: Callable[[Resident], list[Order]], machine: list[str], words: str, tmp_path: Path
) -> None:
    proposal = answer(ask("Llama-3.1-8B", "laptop"))
    facts = replace(proposal.plan.model.facts, digest="sha256:" + "0" * 64)
    model = replace(proposal.plan.model, facts=facts)
    planned(resident(replace(proposal, plan=replace(proposal.plan, model=model))))
    result = run("some", *machine, "--write", str(tmp_path / "stoker.toml"))
    assert result.exception is None
    assert words in result.stderr


OUTCOMES = (
    Outcome("load_s", Foreteller.PLAN, 3, 0.44, Interval(0.41, 0.46, 0.52), 3),
    Outcome("decode_tok_s", Foreteller.CALIBRATION, 12, 150.0, Interval(180.0, 200.0, 220.0), 0),
    Outcome("stream_tok_s", Foreteller.NOBODY, 1, 31.0),
)


def test_a_model_that_makes_vectors_is_told_in_texts_and_writes_nothing() -> None:
    question = ask()
    facts = replace(question.model.facts, task=Task.EMBED)
    rate = Interval(400.0, 512.0, 600.0)
    proposal = answer(replace(question, model=replace(question.model, facts=facts)))
    speed = replace(proposal.speed, prefill_tok_s=rate)
    shown = replace(proposal, speed=speed)
    lines = render(resident(shown), MACHINES["laptop"], width=100, glyphs=ASCII)
    text = "\n".join(lines)
    assert "texts of 512 tokens, texts/s" in text
    assert "0.781 / 1 / 1.17" in text
    assert "first token" not in text
    assert "answer" not in text
    document = describe(resident(shown), MACHINES["laptop"])["speed"]
    assert (document["ttft_s"], document["decode_tok_s"]) == (None, None)
    assert document["prefill_tok_s"]["p50"] == 512.0


def test_predicted_and_measured_stand_side_by_side() -> None:
    proposal = replace(answer(ask("Llama-3.1-8B", "laptop")), measured=OUTCOMES)
    lines = render(resident(proposal), MACHINES["laptop"], width=100, glyphs=ASCII)
    at = lines.index("What was measured here (median; p10 / p50 / p90)")
    text = " ".join(" ".join(lines[at + 1 : lines.index("", at)]).split())
    assert (
        "load, file in memory 440 ms in 3 runs; "
        "predicted 410 ms / 460 ms / 520 ms by the plan, all inside"
    ) in text
    assert "150 in 12 runs; predicted 180 / 200 / 220 by the calibration, none inside" in text
    assert "31 in 1 run; not predicted" in text
    document = describe(resident(proposal), MACHINES["laptop"])["measured"]
    assert [one["figure"] for one in document] == ["load_s", "decode_tok_s", "stream_tok_s"]
    assert document[0] == {
        "figure": "load_s",
        "measured": 0.44,
        "runs": 3,
        "predicted": {"p10": 0.41, "p50": 0.46, "p90": 0.52},
        "predicted_by": "plan",
        "inside": 3,
        "held": True,
    }
    assert (document[1]["held"], document[2]["held"]) == (False, None)
    assert (document[2]["predicted"], document[2]["predicted_by"]) == (None, None)


def test_options_become_an_order(planned: Callable[[Resident], list[Order]]) -> None:
    orders = planned(proposed("Llama-3.1-8B", "laptop", {}))
    words = "one two --ctx 8192 --parallel 2 --threads 3 --kv-type q8_0 --budget 8GiB"
    result = run(*words.split(), "--machine", "m1-max")
    assert result.exception is None
    (order,) = orders
    assert order.models == ("one", "two")
    assert order.wishes == Wishes(8192, 2, 3)
    assert (order.kv_type, order.budget_bytes) == ("q8_0", 8 * GIB)
    assert order.machine is not None
    assert (order.stated, order.pin) == (None, False)


def test_needs_come_from_a_file_and_from_flags(
    planned: Callable[[Resident], list[Order]], tmp_path: Path
) -> None:
    orders = planned(proposed("Llama-3.1-8B", "laptop", {}))
    needs = tmp_path / "needs.toml"
    needs.write_text('data = "machine"\nconcurrency = 3\n')
    assert run("one", "--needs", str(needs), "--quality", "good").exception is None
    stated = orders[0].stated
    assert stated is not None
    assert (stated.needs.data.value, stated.needs.concurrency) == ("machine", 3)
    assert stated.needs.quality == "good"


def test_bad_words_are_refused(planned: Callable[[Resident], list[Order]], tmp_path: Path) -> None:
    planned(proposed("Llama-3.1-8B", "laptop", {}))
    assert run("one", "--budget", "much").exit_code == 2
    assert run("one", "--kv-type", "q3").exit_code == 2
    assert isinstance(run("one", "--machine", "./no.json").exception, FileMissingError)
    assert isinstance(run("--write", str(tmp_path / "a.toml")).exception, InvalidRequestError)
    missing = run("one", "--plot", str(tmp_path / "none" / "a.svg"))
    assert isinstance(missing.exception, InvalidRequestError)


def test_a_file_that_is_no_plan_is_never_overwritten(
    planned: Callable[[Resident], list[Order]], tmp_path: Path
) -> None:
    planned(proposed("Llama-3.1-8B", "laptop", {}))
    file = tmp_path / "mine.toml"
    file.write_text("[tool]\n")
    result = run("one", "--write", str(file))
    assert isinstance(result.exception, InvalidRequestError)
    assert file.read_text() == "[tool]\n"


def test_explaining_is_honoured_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = list_models(ask("Qwen2.5-0.5B"), CATALOGUE[:2], load_losses())
    found = Runnable(rows, MACHINES["laptop"], (("Phi-4", 16384),))
    monkeypatch.setattr("stoker.library.judging.planning.what_runs", lambda _: found)
    plain, explained = run(), run("--explain")
    assert explained.stdout.startswith(plain.stdout.rstrip())
    assert "In plain words" not in plain.stdout
    assert "The tier is what a model of that size is trusted with" in explained.stdout
    assert "Phi-4 (16384 tokens)" in plain.stdout
    assert json.loads(run("--json").stdout)["too_short"] == [{"model": "Phi-4", "context": 16384}]
    for words in (("--explain", "--json"), ("one", "--explain", "--json")):
        result = run(*words)
        assert isinstance(result.exception, InvalidRequestError)
        assert "--explain" in result.exception.message


def test_the_table_says_who_was_trained_for_less_context() -> None:
    question = ask("Qwen2.5-0.5B", wishes=Wishes(context=100_000, slots=1))
    short = too_short(question.asked, CATALOGUE)
    rows = list_models(question, CATALOGUE, load_losses())
    lines = render_rows(rows, MACHINES["laptop"], short, width=100)
    lines += explain_rows(width=100)
    assert max(map(len, lines)) <= 100
    assert "  - Phi-4 (16384 tokens)" in lines


@pytest.mark.parametrize("machine", ["laptop", "gaming", "unmeasured"])
def test_the_table_of_what_runs_fits_the_terminal(machine: str) -> None:
    question = ask("Qwen2.5-0.5B", machine, gpus=True)
    rows = list_models(question, CATALOGUE, load_losses())
    lines = render_rows(rows, MACHINES[machine], width=100)
    assert max(map(len, lines)) <= 100
    table = lines[2 : 3 + len(rows)]
    assert table[0].startswith("model")
    assert all(line.startswith(row.name) for line, row in zip(table[1:], rows, strict=True))
    told = any(row.decode_tok_s for row in rows)
    assert ("Where tokens/s come from" in lines) == told
    document = describe_rows(rows, MACHINES[machine])
    json.dumps(document, allow_nan=False)
    assert {row["verdict"] for row in document["models"]} <= {one.value for one in Verdict}


def test_each_speed_says_at_which_context_it_holds_and_how_it_ends() -> None:
    """The usual length, and beside it the plan's full context, alone and of several at a time."""
    found = proposed("Llama-3.1-8B", "laptop", {"wishes": Wishes(context=16384, slots=2)})
    speed = found.proposals[0].speed
    lines = render(found, MACHINES["laptop"], width=100, glyphs=ASCII)
    told = [line[4:].partition("  ")[0] for line in lines if ", tokens/s  " in line]
    usual, full = "at 640 tokens of context, tokens/s", "at a full context of 16384, tokens/s"
    assert told == [
        "a prompt of 512 tokens, tokens/s",
        f"one answer alone {usual}",
        f"one answer alone {full}",
        f"each of 2 answers {usual}",
        f"each of 2 answers {full}",
        f"all 2 together {usual}",
    ]
    document = describe(found, MACHINES["laptop"])["speed"]
    assert (document["context_tokens"], document["context_full_tokens"]) == (640, 16384)
    for name in ("decode", "stream"):
        deep = document[f"{name}_full_tok_s"]["p50"]
        assert deep < document[f"{name}_tok_s"]["p50"]
    assert speed.source_of("decode_full_tok_s") is speed.source_of("decode_tok_s")


@pytest.mark.parametrize(
    ("context", "said"),
    [(1024, "1024 tokens a slot, all that it was trained for"), (512, "trained for 1024")],
)
def test_a_context_is_told_beside_the_one_that_was_trained_for(context: int, said: str) -> None:
    found = proposed("Llama-3.1-8B", "laptop", {"wishes": Wishes(context=context)})
    one = found.proposals[0]
    model = replace(one.plan.model, facts=replace(one.plan.model.facts, context_length=1024))
    found = resident(replace(one, plan=replace(one.plan, model=model)))
    lines = render(found, MACHINES["laptop"], width=100, glyphs=ASCII)
    assert next(line for line in lines if line.startswith("context")).endswith(said)


def test_a_plan_is_overwritten_only_when_that_is_asked_for(
    planned: Callable[[Resident], list[Order]], tmp_path: Path
) -> None:
    found = proposed("Llama-3.1-8B", "laptop", {})
    one = found.proposals[0]
    model = replace(
        one.plan.model, facts=replace(one.plan.model.facts, digest="sha256:" + "a" * 64)
    )
    orders = planned(resident(replace(one, plan=replace(one.plan, model=model))))
    file = tmp_path / "stoker.toml"
    assert run("one", "--write", str(file)).exception is None
    edited = file.read_text().replace("slots = 4", "slots = 2")
    file.write_text(edited)
    refused = run("one", "--write", str(file))
    assert isinstance(refused.exception, InvalidRequestError)
    assert "--force" in (refused.exception.hint or "")
    assert file.read_text() == edited
    assert len(orders) == 1, "it is refused before anything is planned"
    assert run("one", "--write", str(file), "--force").exception is None
    assert "slots = 4" in file.read_text()


@pytest.mark.parametrize(
    "words", [("--write", "-"), ("--plot", "-"), ("--plot", "p.png")], ids=" ".join
)
def test_a_file_holds_what_its_name_says(
    planned: Callable[[Resident], list[Order]],
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planned(proposed("Llama-3.1-8B", "laptop", {}))
    monkeypatch.chdir(tmp_path)
    assert isinstance(run("one", *words).exception, InvalidRequestError)
    assert not list(tmp_path.iterdir())


def test_options_say_their_bounds_and_units(
    planned: Callable[[Resident], list[Order]],
) -> None:
    planned(proposed("Llama-3.1-8B", "laptop", {}))
    short = run("one", "--ctx", "1")
    assert short.exit_code == 2
    assert "32<=x<=16777216" in short.stderr
    assert "32<=x" in run("--help").stdout
    bare = run("one", "--budget", "8")
    assert bare.exit_code == 2
    assert "8GiB" in bare.stderr


@pytest.mark.parametrize("width", [100, 80, 60, 40, 24])
def test_a_narrow_table_leaves_columns_out_and_never_the_verdict_or_the_speed(width: int) -> None:
    rows = list_models(ask("Qwen2.5-0.5B"), CATALOGUE, load_losses())
    lines = render_rows(rows, MACHINES["laptop"], width=width)
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    for row in rows:
        assert row.decode_tok_s is not None
        assert row.verdict.value.replace("_", " ") in text
        assert rate_span(row.decode_tok_s).removesuffix(" tokens/s") in text
    assert "Of one answer alone at 640 tokens of context, from p10 to p90" in text


@pytest.mark.parametrize("width", [60, 40])
def test_the_legend_of_a_bar_is_told_whole(width: int) -> None:
    found = proposed("Llama-3.1-70B", "gaming", {"gpus": True})
    text = "\n".join(render(found, MACHINES["gaming"], width=width, glyphs=ASCII))
    need = found.proposals[0].need
    for part in (need.weights_bytes, need.kv_bytes, need.compute_bytes, need.other_bytes):
        assert format_bytes(part) in text
    assert " ".join(text.split()).count(" on gpu") == 1 or "on gpu:0" in " ".join(text.split())


def test_models_that_are_planned_together_say_by_default_what_each_gave_up() -> None:
    one, other = answer(ask("Qwen2.5-0.5B", shared_by=2)), answer(ask(shared_by=2))
    lines = render(resident(one, other), MACHINES["laptop"], width=100, glyphs=ASCII)
    alone = render(resident(answer(ask())), MACHINES["laptop"], width=100, glyphs=ASCII)
    assert "2 models share them" in "\n".join(lines)
    assert any("answers at a time, " in line for line in lines)
    assert not any("answers at a time, " in line for line in alone)


def test_a_load_that_is_not_expected_says_why_where_some_are_told_below() -> None:
    proposal = answer(ask("Llama-3.1-8B", "laptop"))
    told = replace(proposal, measured=(Outcome("load_s", Foreteller.NOBODY, 1, 0.083),))
    text = "\n".join(render(resident(told), MACHINES["laptop"], width=100, glyphs=ASCII))
    text = " ".join(text.split())
    assert "load, file in memory not known: too few of the loads below" in text
    assert "load, from the disk not known: too few" not in text


def test_the_wanted_quality_is_told_with_what_was_wanted() -> None:
    proposal = answer(ask())
    wanted = Reason("quality", "the quality good: unknown, nobody tried it")
    told = replace(proposal, reasons=(*proposal.reasons, wanted))
    lines = render(resident(told), MACHINES["laptop"], width=100, glyphs=ASCII)
    at = lines.index("What was wanted")
    assert lines[at + 1] == "  - The quality good: unknown, nobody tried it"
