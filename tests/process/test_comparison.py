"""A comparison over the stub engine: one failure stops no other, and nothing stays behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from stoker.comparing import comparison as module
from stoker.comparing import keeping
from stoker.comparing.comparison import Comparison, Ports, Step
from stoker.comparing.matching import Match
from stoker.comparing.order import Order
from stoker.comparing.passages import ScoredText, of_tasks
from stoker.comparing.plan import precisions
from stoker.comparing.report import Report, Row, to_document
from stoker.comparing.table import tables
from stoker.comparing.tasks import Task
from stoker.core.errors import DiskFullError, LoadFailedError, TextTooShortError, WorkerLostError
from stoker.engines.llamacpp.logits import LogitsHeader
from stoker.engines.registry import engine_version
from stoker.library import asynchronous
from stoker.library.asynchronous import AsyncLocalModelRuntime
from stoker.models.catalogue import starter
from stoker.state.comparisons import read_comparisons
from stoker.state.home import Home
from stoker.testing.stub import StubEngine, stub_plan
from stoker.testing.stub_behaviour import StubBehaviour

pytestmark = pytest.mark.slow
ROWS, WORDS = 80, 5
SAYS = StubBehaviour(tokens=1, word="yes")


class Usage(NamedTuple):
    total: int
    used: int
    free: int


class Reading:
    """A text's logits that depend on the file's name alone."""

    def __init__(self, name: str, passages: int, rows: int) -> None:
        counts = (rows, *[0] * (passages - 1))
        targets = tuple(at % WORDS for at in range(rows))
        self._header = LogitsHeader(WORDS, "sha256:a", targets, counts, rows, rows)
        self._random = np.random.default_rng(len(name))

    async def header(self) -> LogitsHeader:
        return self._header

    async def blocks(self, header: LogitsHeader) -> object:
        rows = self._random.normal(size=(len(header.targets), WORDS)).astype(np.float32)
        yield rows, np.array(header.targets, dtype=np.int64)
        await asyncio.sleep(0)  # as a real one would wait for its child


class BreakingReading(Reading):
    """One whose child dies in the middle of the text."""

    async def blocks(self, header: LogitsHeader) -> object:
        async for rows, targets in super().blocks(header):  # type: ignore[attr-defined]
            yield rows[:40], targets[:40]
            raise WorkerLostError("The engine's child ended early: killed")


@dataclass
class World:
    """What the comparison runs in: how each candidate behaves, and what was asked of it."""

    home: Home
    behaviours: dict[str, StubBehaviour] = field(default_factory=dict)
    rows: int = ROWS
    breaking: str = ""
    forced: list[str] = field(default_factory=list)
    texts: list[object] = field(default_factory=list)

    def make_runtime(
        self, path: Path, *, context: int | None, slots: int, threads: int | None
    ) -> AsyncLocalModelRuntime:
        runtime = AsyncLocalModelRuntime("starter", slots=slots)
        name = "f16" if path == starter().path else path.stem.removeprefix("starter-")
        plan = stub_plan(name=name, slots=slots, context=2048)
        runtime._plan = replace(plan, engine=f"stub:{name}")
        return runtime

    def find_engine(self, name: str) -> StubEngine:
        return StubEngine(self.behaviours.get(name.removeprefix("stub:"), SAYS))

    @asynccontextmanager
    async def force_text(self, path: Path, text: object, **how: object) -> object:
        self.forced.append(path.stem)
        self.texts.append(text)
        assert path.is_file()  # noqa: ASYNC240 - a test may look
        reading = BreakingReading if path.stem == self.breaking else Reading
        yield reading(path.stem, len(text) if isinstance(text, tuple) else 1, self.rows)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))
    made = World(Home.find())
    monkeypatch.setattr(asynchronous, "find_engine", made.find_engine)
    return made


def tasks(count: int = 12) -> tuple[Task, ...]:
    return tuple(
        Task(f"ask {at}", "yes" if at else "no", Match.EXACT, "odd" if at % 2 else "even")
        for at in range(count)
    )


def compared(
    world: World,
    *,
    quants: tuple[str, ...] = ("q4_0",),
    text: ScoredText | None = None,
    on_step: Callable[[Step], None] = lambda _: None,
) -> Comparison:
    order = Order(precisions(starter(), quants), tasks(), "mine.jsonl", text, slots=2, rounds=2)
    ports = Ports(make_runtime=world.make_runtime, force_text=world.force_text)  # type: ignore[arg-type]
    return Comparison(order, world.home, ports=ports, on_step=on_step)


def row(report: Report, name: str) -> Row:
    return next(one for one in report.rows if one.name == name)


def leftovers(home: Home) -> list[Path]:
    """Folders of this comparison that are still there."""
    parents = (home.scratch, home.workers)
    return [
        path for parent in parents if parent.is_dir() for path in parent.iterdir() if path.is_dir()
    ]


async def test_everything_is_measured_of_every_candidate(world: World) -> None:
    steps: list[Step] = []
    made = compared(
        world, quants=("q8_0", "q4_0"), text=of_tasks("t", tasks()), on_step=steps.append
    )
    await made.run()
    report = made.report
    assert not report.partial
    assert [one.name for one in report.rows] == ["f16", "q8_0", "q4_0"]
    for one in report.rows:
        assert one.prefill is not None
        assert one.decode is not None
        assert one.decode.rounds == 2
        assert one.memory_peak_bytes
        assert one.text is not None
        assert one.tasks is not None
        assert (one.tasks.accuracy.right, one.tasks.accuracy.total) == (11, 12)
        assert set(one.tasks.by_category) == {"even", "odd"}
    sizes = [one.file_bytes or 0 for one in report.rows]
    assert sizes == sorted(sizes, reverse=True)
    assert report.rows[0].text is not None
    assert report.rows[0].text.divergence is None
    assert report.rows[1].text is not None
    assert report.rows[1].text.divergence is not None
    assert report.verdict is not None
    assert report.verdict.cheapest == "q4_0"
    assert list(report.seconds) == ["making", "text", "speed", "tasks"]
    assert list(dict.fromkeys(one.phase for one in steps)) == ["making", "text", "speed", "tasks"]
    assert leftovers(world.home) == []


async def test_without_tasks_and_text_the_rest_is_measured_and_it_is_said(world: World) -> None:
    order = Order(precisions(starter(), ["q4_0"]), (), None, None, slots=2, rounds=1)
    ports = Ports(make_runtime=world.make_runtime, force_text=world.force_text)  # type: ignore[arg-type]
    made = Comparison(order, world.home, ports=ports)
    await made.run()
    for one in made.report.rows:
        assert one.file_bytes
        assert one.memory_peak_bytes
        assert one.decode is not None
        assert (one.text, one.tasks, one.failures) == (None, None, [])
    assert (made.report.partial, made.report.verdict, made.errors) == (False, None, [])
    assert to_document(made.report)["tasks_source"] is None
    shown = " ".join(tables(made.report).split())
    assert "perplexity and KL are left out; --text FILE" in shown
    assert "right answers are left out; --tasks FILE" in shown


async def test_conversations_are_rendered_once_for_all_precisions(world: World) -> None:
    made = compared(world, text=of_tasks("t", tasks(3)))
    await made.run()
    first, second = world.texts
    assert first is second
    assert first[0].given == "user: ask 0\nassistant: "  # type: ignore[index]
    assert first[0].closed  # type: ignore[index]


async def test_a_candidate_that_does_not_load_stops_no_other(world: World) -> None:
    world.behaviours["q8_0"] = StubBehaviour(crash_at_load="no such tensor\n")
    made = compared(world, quants=("q8_0", "q4_0"))
    await made.run()
    broken = row(made.report, "q8_0")
    assert [one.phase for one in broken.failures] == ["speed", "tasks"]
    assert "no such tensor" in broken.failures[0].message
    assert broken.file_bytes
    assert isinstance(made.errors[0], LoadFailedError)
    assert row(made.report, "q4_0").tasks is not None
    assert made.report.verdict is not None
    assert "q8_0" not in made.report.verdict.p_values
    assert not made.report.partial
    assert leftovers(world.home) == []


async def test_a_base_that_does_not_load_leaves_the_others_without_divergence(
    world: World,
) -> None:
    world.behaviours["f16"] = StubBehaviour(crash_at_load="no such tensor\n")
    made = compared(world, quants=("q8_0", "q4_0"), text=of_tasks("t", tasks()))
    await made.run()
    assert row(made.report, "f16").failures[0].phase == "text"
    assert row(made.report, "q4_0").text is not None
    assert row(made.report, "q4_0").text.divergence is None  # type: ignore[union-attr]
    assert row(made.report, "q4_0").tasks is not None


@pytest.mark.parametrize(("breaking", "name"), [("starter", "f16"), ("starter-q8_0", "q8_0")])
async def test_a_model_that_breaks_in_the_middle_of_the_text_stops_no_other(
    world: World, breaking: str, name: str
) -> None:
    world.breaking = breaking
    made = compared(world, quants=("q8_0", "q4_0"), text=of_tasks("t", tasks()))
    await made.run()
    broken, other = row(made.report, name), row(made.report, "q4_0")
    assert [(one.phase, one.message) for one in broken.failures] == [
        ("text", "The engine's child ended early: killed")
    ]
    assert broken.text is None
    assert broken.tasks is not None
    assert other.failures == []
    assert other.text is not None
    assert (other.text.divergence is None) == (name == "f16")
    assert not made.report.partial


async def test_a_process_that_dies_while_answering_costs_those_answers(world: World) -> None:
    world.behaviours["q4_0"] = StubBehaviour(tokens=30, word="yes", crash_at_token=5)
    made = compared(world)
    await made.run()
    broken = row(made.report, "q4_0")
    assert broken.tasks is None
    assert broken.tasks_so_far is not None
    assert {one.phase for one in broken.failures} == {"speed", "tasks"}
    assert leftovers(world.home) == []


async def test_answers_that_are_refused_count_as_wrong(world: World) -> None:
    world.behaviours["q4_0"] = StubBehaviour(tokens=1, word="no")
    made = compared(world)
    await made.run()
    score = row(made.report, "q4_0").tasks
    assert score is not None
    assert (score.accuracy.right, score.failed) == (1, 0)
    assert made.report.verdict is not None
    assert made.report.verdict.worse == ("q4_0",)


async def test_a_text_that_is_too_short_is_refused_before_anything_slow(world: World) -> None:
    world.rows = 7
    made = compared(world, text=ScoredText("mine.txt", text="word " * 60))
    with pytest.raises(TextTooShortError, match="7 tokens"):
        await made.run()
    assert "speed" not in made.report.seconds
    assert leftovers(world.home) == []


async def test_tasks_whose_answers_are_too_short_to_score_go_on_without(world: World) -> None:
    world.rows = 7
    made = compared(world, text=of_tasks("t", tasks()))
    await made.run()
    assert "No text was scored" in made.report.notes[0]
    assert world.forced == ["starter"]
    assert row(made.report, "q4_0").tasks is not None


@pytest.mark.parametrize("phase", ["making", "text", "speed", "tasks"])
async def test_cancelling_keeps_what_was_measured_and_leaves_nothing(
    world: World, phase: str
) -> None:
    loop = asyncio.get_running_loop()

    def on_step(step: Step) -> None:
        if step.phase == phase:
            loop.call_soon_threadsafe(work.cancel)

    made = compared(world, text=of_tasks("t", tasks()), on_step=on_step)
    work = asyncio.ensure_future(made.run())
    with pytest.raises(asyncio.CancelledError):
        await work
    assert made.report.partial
    assert list(made.report.seconds)[-1] == phase
    assert leftovers(world.home) == []
    if phase == "tasks":
        assert row(made.report, "q4_0").decode is not None
        assert row(made.report, "f16").tasks_so_far or row(made.report, "f16").tasks


async def test_files_that_do_not_fit_are_refused_before_the_first_is_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(9, 9, 1000))
    made = compared(world)
    with pytest.raises(DiskFullError, match="would be made"):
        await made.run()
    assert leftovers(world.home) == []


async def test_a_full_disk_in_the_middle_fails_one_candidate(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module.making.make_file

    async def make_file(source: Path, out: Path, kind: str, on_share: object) -> None:
        if kind == "Q8_0":
            raise DiskFullError("There is no room")
        await real(source, out, kind, on_share)  # type: ignore[arg-type]

    monkeypatch.setattr(module.making, "make_file", make_file)
    made = compared(world, quants=("q8_0", "q4_0"))
    await made.run()
    assert [one.phase for one in row(made.report, "q8_0").failures] == ["making"]
    assert row(made.report, "q8_0").file_bytes is None
    assert row(made.report, "q4_0").tasks is not None


async def test_what_was_found_is_kept_with_the_digests_of_its_files(world: World) -> None:
    made = compared(world, quants=("q8_0", "q4_0"), text=of_tasks("t", tasks()))
    await made.run()
    (record,) = read_comparisons(world.home.comparisons)
    assert record == made.kept
    assert [one.quantization for one in record.models] == ["F16", "Q8_0", "Q4_0"]
    assert [one.digest for one in record.models] == [one.digest for one in made.report.rows]
    assert record.reference.digest == starter().facts.digest
    assert len({one.digest for one in record.models}) == 3
    assert record.engine == engine_version()
    for one in record.models:
        assert one.tasks is not None
        assert one.text is not None
        assert one.run is not None
    assert record.models[1].text is not None
    assert record.models[1].text.kl_mean_nats is not None


async def test_a_comparison_that_is_done_again_is_kept_once(world: World) -> None:
    for _ in range(2):
        await compared(world).run()
    assert len(read_comparisons(world.home.comparisons)) == 1


async def test_what_was_found_until_it_was_stopped_is_kept(world: World) -> None:
    loop = asyncio.get_running_loop()

    def on_step(step: Step) -> None:
        if step.phase == "speed":
            loop.call_soon_threadsafe(work.cancel)

    made = compared(world, text=of_tasks("t", tasks()), on_step=on_step)
    work = asyncio.ensure_future(made.run())
    with pytest.raises(asyncio.CancelledError):
        await work
    (record,) = read_comparisons(world.home.comparisons)
    assert record.models[1].text is not None
    assert (record.models[1].tasks, record.best) == (None, None)


async def test_where_nothing_tells_of_quality_nothing_is_kept(world: World) -> None:
    order = Order(precisions(starter(), ["q4_0"]), (), None, None, slots=2, rounds=1)
    ports = Ports(make_runtime=world.make_runtime, force_text=world.force_text)  # type: ignore[arg-type]
    made = Comparison(order, world.home, ports=ports)
    await made.run()
    assert made.kept is None
    assert not world.home.comparisons.exists()


async def test_a_home_that_cannot_be_written_costs_what_would_be_kept_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise DiskFullError("There is no room")

    monkeypatch.setattr(keeping, "keep_comparison", refuse)
    made = compared(world)
    await made.run()
    assert made.kept is None
    assert made.report.verdict is not None
    assert "What was found could not be kept: There is no room." in made.report.notes


async def test_what_a_killed_comparison_left_is_swept_by_the_next(world: World) -> None:
    code = (
        "import os, signal; from stoker.comparing.scratch import scratch;"
        "from stoker.state.home import Home\n"
        "with scratch(Home.find().prepare().scratch) as folder:\n"
        "    (folder / 'large.gguf').write_bytes(b'x' * 1000)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "STOKER_HOME": str(world.home.root)}
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], env=environment, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert leftovers(world.home) != []
    await compared(world).run()
    assert leftovers(world.home) == []
