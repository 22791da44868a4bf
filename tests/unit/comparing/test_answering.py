"""Every task is asked once and judged; what fails is wrong and says why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from stoker.comparing.answering import RESTARTS_MAX, Examination, tokens_max_for
from stoker.comparing.matching import Match
from stoker.comparing.report import TaskScore
from stoker.comparing.tasks import STARTER_TASKS, Task, load_tasks
from stoker.core.clock import Clock, SystemClock
from stoker.core.errors import ContextOverflowError, EngineError, StokerError, WorkerLostError
from stoker.core.request import Completion, Timings, Usage
from stoker.testing.clock import ManualClock

Say = Callable[[str], str]


def tasks(*expected: str, category: str = "all") -> list[Task]:
    return [Task(f"ask {at}", word, Match.EXACT, category) for at, word in enumerate(expected)]


class Runtime:
    """Answers by `say`, which may raise; counts what runs at a time, and its restarts."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self.asked: list[str] = []
        self.options: list[dict[str, object]] = []
        self.busy = self.most = self.loads = 0

    async def chat(self, asked: str, **options: object) -> Completion:
        self.busy += 1
        self.most = max(self.most, self.busy)
        self.asked.append(asked)
        self.options.append(options)
        try:
            await asyncio.sleep(0)
            return Completion(self._say(asked), "stop", Usage(1, 1), Timings(1, 1, 1, 1), 0.0)
        finally:
            self.busy -= 1

    async def load(self) -> None:
        self.loads += 1


def examination(  # noqa: PLR0913 - what the tests change, each by its name
    runtime: object,
    asked: list[Task],
    *,
    slots: int = 2,
    tokens_max: int | None = None,
    clock: Clock | None = None,
    on_share: Callable[[float], None] = lambda _: None,
) -> Examination:
    return Examination(
        runtime,  # type: ignore[arg-type]
        asked,
        slots=slots,
        tokens_max=tokens_max,
        clock=clock or SystemClock(),
        on_share=on_share,
    )


async def examined(runtime: object, asked: list[Task], **how: object) -> TaskScore:
    return await examination(runtime, asked, **how).run()  # type: ignore[arg-type]


async def test_each_task_is_asked_once_and_judged_by_its_rule() -> None:
    runtime = Runtime(lambda asked: "yes" if asked != "ask 2" else "no")
    shares: list[float] = []
    score = await examined(runtime, tasks(*["yes"] * 5), on_share=shares.append)
    assert sorted(runtime.asked) == [f"ask {at}" for at in range(5)]
    assert (score.accuracy.right, score.accuracy.total, score.failed) == (4, 5, 0)
    assert [(one.task, one.answer) for one in score.wrong] == [(2, "no")]
    assert shares == [0.2, 0.4, 0.6, 0.8, 1.0]


@pytest.mark.parametrize("slots", [1, 3, 9])
async def test_no_more_are_asked_at_a_time_than_there_are_slots(slots: int) -> None:
    runtime = Runtime(lambda _: "yes")
    await examined(runtime, tasks(*["yes"] * 6), slots=slots)
    assert runtime.most == min(slots, 6)


async def test_answers_are_greedy_and_bounded() -> None:
    runtime = Runtime(lambda _: "yes")
    await examined(runtime, tasks("yes"))
    await examined(runtime, tasks("yes"), tokens_max=3)
    assert runtime.options == [
        {"temperature": 0.0, "max_tokens": 11},
        {"temperature": 0.0, "max_tokens": 3},
    ]


def test_no_right_answer_exceeds_its_bound() -> None:
    for task in load_tasks(STARTER_TASKS):
        assert tokens_max_for(task) > len(task.expected.encode())
    assert tokens_max_for(Task("", "a", Match.CONTAINS, "all")) == 256
    assert tokens_max_for(Task("", "\u00e4" * 200, Match.REGEX, "all")) == 800


async def test_a_refused_task_is_wrong_says_why_and_stops_no_other() -> None:
    def say(asked: str) -> str:
        if asked == "ask 1":
            raise ContextOverflowError("too long for it")
        return "yes"

    runtime = Runtime(say)
    score = await examined(runtime, tasks("yes", "yes", "yes"))
    assert (score.accuracy.right, score.failed, runtime.loads) == (2, 1, 0)
    assert score.wrong[0].error == "too long for it"


async def test_an_answer_that_does_not_end_is_wrong() -> None:
    class Endless(Runtime):
        async def chat(self, asked: str, **options: object) -> Completion:
            await asyncio.Event().wait()
            raise AssertionError

    clock = ManualClock()
    work = asyncio.ensure_future(examined(Endless(str), tasks("yes"), clock=clock))
    await clock.wait_sleepers()
    await clock.advance(10_000)
    score = await work
    assert score.wrong[0].error == "it did not end in time"


async def test_a_lost_process_is_brought_back_once_for_all_who_lost_it() -> None:
    lost = iter([True, True, False, False])

    def say(_: str) -> str:
        if next(lost):
            raise WorkerLostError("it was killed")
        return "yes"

    runtime = Runtime(say)
    score = await examined(runtime, tasks(*["yes"] * 4), slots=2)
    assert runtime.loads == 1
    assert (score.accuracy.right, score.failed) == (2, 2)


async def test_a_process_that_is_always_lost_is_given_up() -> None:
    def say(_: str) -> str:
        raise WorkerLostError("it was killed")

    runtime = Runtime(say)
    exam = examination(runtime, tasks(*["yes"] * 20), slots=1)
    with pytest.raises(WorkerLostError):
        await exam.run()
    assert runtime.loads == RESTARTS_MAX
    so_far = exam.so_far()
    assert so_far is not None
    assert (so_far.right, so_far.total) == (0, RESTARTS_MAX + 1)


async def test_a_process_that_does_not_come_back_ends_the_examination() -> None:
    class Gone(Runtime):
        async def load(self) -> None:
            raise EngineError("no")

    def say(_: str) -> str:
        raise WorkerLostError("it was killed")

    with pytest.raises(StokerError):
        await examined(Gone(say), tasks(*["yes"] * 9), slots=3)


async def test_what_was_answered_before_a_cancellation_is_known() -> None:
    gate = asyncio.Event()

    class Slow(Runtime):
        async def chat(self, asked: str, **options: object) -> Completion:
            if asked == "ask 2":
                gate.set()
                await asyncio.Event().wait()
            return await super().chat(asked, **options)

    exam = examination(Slow(lambda _: "yes"), tasks("yes", "no", "yes"), slots=1)
    assert exam.so_far() is None
    work = asyncio.ensure_future(exam.run())
    await gate.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    so_far = exam.so_far()
    assert so_far is not None
    assert (so_far.right, so_far.total) == (1, 2)


async def test_a_long_wrong_answer_is_kept_in_part() -> None:
    score = await examined(Runtime(lambda _: "a" * 5000), tasks("yes"))
    assert score.wrong[0].answer == "a" * 300
