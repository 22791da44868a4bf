"""Written plans are refused where they cannot be kept, and held to account where they are run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from stoker.cli import plan
from stoker.core.calibration import Calibration, Fit
from stoker.core.outcome import ANSWER_TOKENS_MIN, PROMPT_TOKENS_MIN
from stoker.engines.registry import engine_version
from stoker.machine.facts import read_machine
from stoker.machine.measured.conditions import conditions_of
from stoker.state.calibrations import save_calibration
from stoker.state.home import Home
from stoker.testing.running import COMMAND, RunningService
from stoker.testing.synthetic import write_split_model

pytestmark = [pytest.mark.engine, pytest.mark.slow]
PLANNED = ("--ctx", "512", "--parallel", "2", "--threads", "1")
WIDE = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 3.0, 3.0)
# Invented, for this machine: what matters is that something is predicted.
CALIBRATION = Calibration(
    machine="here",
    engine="llamacpp",
    engine_version=engine_version(),
    conditions=conditions_of(read_machine(), engine_version()),
    threads=1,
    taken_unix_s=1,
    decode=Fit((("read:q8_0", 1e-9),), WIDE),
    prefill=Fit((("multiply:q8_0", 1e-10), ("reading", 1.0)), WIDE),
    load=Fit((("load:q8_0", 1e-8),), WIDE),
    cold=Fit((("file", 1e-9),), WIDE),
)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("STOKER_HOME", str(home))
    return home


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(*arguments: str) -> Path:
        file = tmp_path / "stoker.toml"
        result = CliRunner().invoke(plan.command, [*arguments, "--write", str(file)])
        assert result.exception is None, result.output
        return file

    return write


def serve(file: Path) -> subprocess.CompletedProcess[str]:
    """`stoker serve` of a plan that is meant to be refused."""
    argv = [COMMAND, "serve", "--port", "0", "--plan", str(file)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)


def test_a_plan_for_a_gpu_is_not_run_on_the_processor(written: Callable[..., Path]) -> None:
    done = serve(written("starter", "--machine", "rtx-4090"))
    assert done.returncode == 2
    assert "planned for gpu" in done.stderr
    assert "again on this machine" in done.stderr


def test_a_plan_that_takes_more_than_there_ever_is_is_refused(
    written: Callable[..., Path],
) -> None:
    file = written("starter", *PLANNED)
    total = next(line for line in file.read_text().splitlines() if line.startswith("total_bytes"))
    file.write_text(file.read_text().replace(total, f"total_bytes = {1 << 50}"))
    done = serve(file)
    assert done.returncode == 3
    assert "can never fit here" in done.stderr


def test_a_split_model_whose_last_part_was_changed_is_not_served(
    written: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "split").mkdir()
    first = write_split_model(tmp_path / "split" / "m.gguf", 3)
    file = written(str(first), "--ctx", "256")
    last = max(first.parent.iterdir())
    data = last.read_bytes()
    last.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    done = serve(file)
    assert done.returncode == 2
    assert last.name in done.stderr


@pytest.fixture
def tiny(own_home: Path, tiny_model: Path) -> str:
    """A stored model, so that its digest is known to whoever plans it."""
    subprocess.run([COMMAND, "pull", str(tiny_model), "--as", "tiny"], check=True, timeout=30)
    save_calibration(Home(own_home), CALIBRATION)
    return "tiny"


def answered_once(home: Path, *how: str) -> str:
    """What a service says that gives one answer of some tokens to a prompt of some more, and ends.

    It ends in order: what it measured is written down by then.
    """
    running = RunningService([COMMAND, "serve", "--port", "0", *how], home)
    try:
        ask(running)
        running.process.terminate()
        running.process.wait(timeout=30)
    finally:
        running.end()
    return running.log


def ask(service: RunningService) -> None:
    body = {"model": "tiny", "prompt": "word " * 60, "max_tokens": 32, "temperature": 0}
    status, answer = service.request("POST", "/v1/completions", body)
    assert status == 200, answer
    assert answer["usage"]["prompt_tokens"] >= PROMPT_TOKENS_MIN
    assert answer["usage"]["completion_tokens"] > ANSWER_TOKENS_MIN


def measured(model: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(plan.command, [model, *PLANNED, "--json"])
    assert result.exception is None, result.output
    outcomes: list[dict[str, Any]] = json.loads(result.stdout)["measured"]
    return outcomes


@pytest.mark.parametrize("planned", [True, False])
def test_what_was_predicted_stands_beside_what_was_measured(
    written: Callable[..., Path], own_home: Path, tiny: str, *, planned: bool
) -> None:
    assert measured(tiny) == []
    how = ["--plan", str(written(tiny, *PLANNED))] if planned else [tiny, *PLANNED]
    assert "warning" not in answered_once(own_home, *how)
    told = {one["figure"]: one for one in measured(tiny)}
    assert {"decode_tok_s", "prefill_tok_s"} <= set(told)
    for name in ("decode_tok_s", "prefill_tok_s"):
        assert told[name]["runs"] == 1
        assert told[name]["predicted_by"] in {"plan", "calibration"}
        assert told[name]["inside"] == told[name]["held"]
    loads = {one["predicted_by"] for name, one in told.items() if name.startswith("load")}
    assert loads <= {"plan" if planned else "calibration"}
    text = CliRunner().invoke(plan.command, [tiny, *PLANNED]).stdout
    assert "What was measured here" in text
    assert "in 1 run; predicted " in text


def test_a_plan_of_another_machine_is_run_with_a_warning_and_promises_nothing(
    written: Callable[..., Path], own_home: Path, tiny: str
) -> None:
    file = written(tiny, *PLANNED)
    cores = read_machine().cores
    text = file.read_text()
    assert f"\ncores = {cores}\n" in text
    file.write_text(text.replace(f"\ncores = {cores}\n", f"\ncores = {cores + 14}\n"))
    log = answered_once(own_home, "--plan", str(file))
    assert f"warning: the plan was made elsewhere ({cores + 14} cores, here {cores})" in log
    assert {one["predicted_by"] for one in measured(tiny)} == {"calibration"}
