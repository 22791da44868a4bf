"""`stoker compare` with the real engine: the starter model, two smaller types and a few tasks."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from stoker.comparing.report import from_document
from stoker.comparing.tasks import STARTER_TASKS
from stoker.models.catalogue import starter
from stoker.testing.running import COMMAND
from stoker.testing.synthetic import write_model

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.timeout(120)]
DEADLINE_S = 100


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def few_tasks(tmp_path: Path) -> Path:
    """Every twelfth task of the starter's: 30, of all kinds."""
    lines = STARTER_TASKS.read_text(encoding="utf-8").splitlines(keepends=True)
    path = tmp_path / "few.jsonl"
    path.write_text("".join(islice(lines, 0, None, 12)), encoding="utf-8")
    return path


def compare(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return stoker(home, "compare", *arguments)


def stoker(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *map(str, arguments)],
        env={**os.environ, "STOKER_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def nothing_is_left(home: Path) -> bool:
    return not [
        path
        for parent in (home / "scratch", home / "run" / "workers")
        for path in parent.iterdir()
        if path.is_dir()
    ]


def test_a_text_alone_is_enough_for_a_model_that_is_not_ours(home: Path, tmp_path: Path) -> None:
    text = tmp_path / "letters.txt"
    text.write_text("ka lo mi ne ru sa ti vo we zu be da fi go. " * 40)
    tiny = write_model(tmp_path / "tiny.gguf")
    done = compare(home, tiny, "--quants", "q4_0", "--text", text, "--rounds", "1", "--json")
    assert done.returncode == 0, done.stderr
    report = from_document(json.loads(done.stdout))
    assert [one.tasks for one in report.rows] == [None, None]
    assert report.rows[0].text is not None
    assert report.rows[1].text is not None
    assert report.rows[1].text.divergence is not None
    assert report.rows[1].decode is not None
    assert ["tasks" in note for note in report.notes].count(True) == 1


def test_two_smaller_types_are_measured_in_full(home: Path, few_tasks: Path) -> None:
    plot = home.parent / "plot.svg"
    options = ("--quants", "q8_0,q4_0", "--rounds", "1", "--json", "--plot", plot)
    done = compare(home, "starter", *options, "--tasks", few_tasks)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    report = from_document(document)
    assert [row.name for row in report.rows] == ["f16", "q8_0", "q4_0"]
    assert not report.partial
    f16, q8_0, q4_0 = report.rows
    assert f16.file_bytes == starter().facts.file_bytes
    assert f16.file_bytes > (q8_0.file_bytes or 0) > (q4_0.file_bytes or 0) > 0
    for row in report.rows:
        assert row.tasks is not None
        assert row.tasks.accuracy.total == 30
        assert row.tasks.accuracy.share > 0.8
        assert row.text is not None
        assert 1 < row.text.perplexity < 1.5
        assert row.prefill is not None
        assert row.decode is not None
        assert 0.9 < row.memory_peak_bytes / row.memory_predicted_bytes < 1.1
    assert q8_0.text is not None
    assert q4_0.text is not None
    fine, coarse = q8_0.text.divergence, q4_0.text.divergence
    assert fine is not None
    assert coarse is not None
    assert 0 < fine.kl_mean_nats < coarse.kl_mean_nats < 0.1
    assert fine.same_top_share >= 0.98
    assert report.verdict is not None
    assert report.verdict.tasks == 30
    ET.parse(plot)  # noqa: S314 - it is our own
    assert nothing_is_left(home)


def planned(home: Path, model: str | Path) -> dict[str, Any]:
    done = stoker(home, "plan", model, "--json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_what_was_measured_replaces_what_was_published(
    home: Path, few_tasks: Path, tmp_path: Path
) -> None:
    before = {one["value"]: one["quality"] for one in planned(home, "starter")["alternatives"]}
    assert before["Q8_0"]["source"] == "published"
    options = ("--quants", "q8_0,q4_0", "--rounds", "1")
    done = compare(home, "starter", *options, "--tasks", few_tasks)
    assert done.returncode == 0, done.stderr
    assert "kept: `stoker plan starter` now says what Q8_0, Q4_0 lost here" in done.stderr

    starter_plan = planned(home, "starter")
    known = {one["value"]: one["quality"] for one in starter_plan["alternatives"]}
    assert starter_plan["quality"]["source"] == "none"
    q8 = known["Q8_0"]
    assert (q8["source"], q8["measured"]["tasks"], q8["measured"]["certain"]) == (
        "measured",
        30,
        True,
    )
    assert 0 < q8["kl_divergence"]["least"] < 0.01
    shown = " ".join(stoker(home, "plan", "starter").stdout.split())
    assert f"measured here on {q8['measured']['day']}, 30 of your tasks" in shown

    small = tmp_path / "small.gguf"
    assert stoker(home, "quantize", "starter", "--to", "q4_0", "--out", small).returncode == 0
    own = planned(home, small)["quality"]
    assert (own["source"], own["measured"]["certain"]) == ("measured", False)
    assert stoker(home, "show", small, "--digest").returncode == 0
    assert planned(home, small)["quality"]["measured"]["certain"]  # it is the very same file


def test_a_small_model_that_is_enough_is_known_to_advice(home: Path, tmp_path: Path) -> None:
    tasks = tmp_path / "mine.jsonl"
    lines = STARTER_TASKS.read_text(encoding="utf-8").splitlines(keepends=True)
    tasks.write_text("".join(one for one in lines if '"addition"' in one) * 2, encoding="utf-8")
    advised = ("advise", "--tasks", tasks, "--json")
    before = json.loads(stoker(home, *advised).stdout)
    assert any(f"stoker compare MODEL... --tasks {tasks}" in one for one in before["watch"])
    done = compare(home, "starter", "--quants", "q4_0", "--rounds", "1", "--tasks", tasks)
    assert f"`stoker advise --tasks {tasks}` counts these answers" in done.stderr
    after = json.loads(stoker(home, *advised).stdout)
    assert (after["answer"], after["decided_by"]) == ("local", "small-model-is-enough")
    assert after["local"]["name"] == "starter"
    assert after["local"]["own"]["total"] == 40


def test_different_models_are_compared_and_the_broken_one_is_named(
    home: Path, few_tasks: Path, tmp_path: Path
) -> None:
    tiny = write_model(tmp_path / "tiny.gguf")
    alien = tmp_path / "alien.gguf"
    alien.write_bytes(tiny.read_bytes().replace(b"llama", b"llamb"))
    done = compare(home, "starter", tiny, alien, "--tasks", few_tasks, "--rounds", "1")
    assert done.returncode == 5
    shown = " ".join(done.stdout.split())
    assert "alien: text, speed, tasks failed" in shown
    assert "tiny: another vocabulary than starter" in shown
    assert "tiny is significantly worse" in shown
    assert nothing_is_left(home)


def test_running_text_is_scored_too(home: Path, few_tasks: Path, tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_text("We send a tracking link by email. Returns are free for 30 days. " * 30)
    options = ("--quants", "q4_0", "--rounds", "1", "--json", "--text", text)
    done = compare(home, "starter", *options, "--tasks", few_tasks)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["text_source"] == "mine.txt"
    assert document["rows"][1]["text"]["divergence"]["kl_mean_nats"] > 0


class Terminal:
    """A command whose standard error is a terminal."""

    def __init__(self, home: Path, *arguments: str | Path) -> None:
        mine, theirs = pty.openpty()
        self._mine = mine
        self.process = subprocess.Popen(
            [COMMAND, "compare", *map(str, arguments)],
            env={**os.environ, "STOKER_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
        )
        os.close(theirs)
        self.heard = ""

    def wait_for(self, words: str) -> None:
        """Return once it has said `words`."""
        while words not in self.heard:
            self.heard += os.read(self._mine, 4096).decode()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()
        os.close(self._mine)


@pytest.fixture
def terminal(home: Path, few_tasks: Path) -> Iterator[Terminal]:
    options = ("--quants", "q4_0", "--rounds", "1", "--tasks", few_tasks)
    made = Terminal(home, "starter", *options)
    yield made
    made.end()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_a_person_who_stops_it_sees_what_was_measured(
    terminal: Terminal, home: Path, number: signal.Signals, status: int
) -> None:
    terminal.wait_for("tasks  f16")
    terminal.process.send_signal(number)
    out, _ = terminal.process.communicate(timeout=DEADLINE_S)
    assert terminal.process.returncode == status
    assert "Interrupted: this is a part of the comparison." in out
    line = next(line for line in out.split("\n") if line.startswith("q4_0"))
    assert float(line.split()[5]) > 0  # its speed of decoding
    assert nothing_is_left(home)


def test_a_terminal_is_shown_how_far_it_has_come(terminal: Terminal) -> None:
    for words in ("making  q4_0", "text  f16", "speed  q4_0", "tasks  q4_0"):
        terminal.wait_for(words)
