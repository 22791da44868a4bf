"""Tasks put to a running model, several at a time, and their answers judged.

Owns the bounds of an answer and what becomes of one that fails, or that cannot be judged: it
counts as wrong, and says why. Answers are greedy. Whether one is right is `matching`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from stoker.comparing.accuracy import Accuracy, accuracy, by_category
from stoker.comparing.matching import Match, matches
from stoker.comparing.report import TaskScore, WrongAnswer
from stoker.comparing.runtime import Runtime
from stoker.comparing.searching import PatternSearch
from stoker.comparing.tasks import Task
from stoker.core.clock import Clock, within
from stoker.core.errors import ModelNotLoadedError, StokerError, WorkerLostError

SLOTS_DEFAULT = 4
RESTARTS_MAX = 3
WRONG_CHARACTERS_MAX = 300
_OPEN_ANSWER_TOKENS = 256
_DEADLINE_S, _DEADLINE_TOKEN_S = 300.0, 2.0

Share = Callable[[float], None]
_LOST = (WorkerLostError, ModelNotLoadedError)


def tokens_max_for(task: Task) -> int:
    """A bound that no right answer exceeds where the whole answer is known, and a wide one else.

    No token is shorter than a byte; JSON may be written with more white space than was expected.
    """
    size = len(task.expected.encode())
    if task.match is Match.EXACT:
        return size + 8
    if task.match is Match.JSON:
        return 2 * size + 64
    return max(_OPEN_ANSWER_TOKENS, 2 * size)


class Examination:
    """One model's answers to `tasks`, at most `slots` at a time; `run` once."""

    def __init__(  # noqa: PLR0913 - who is asked what, and within which bounds
        self,
        runtime: Runtime,
        tasks: Sequence[Task],
        *,
        slots: int,
        tokens_max: int | None,
        clock: Clock,
        on_share: Share,
    ) -> None:
        self._runtime = runtime
        self._tasks = tasks
        self._slots = slots
        self._tokens_max = tokens_max
        self._clock = clock
        self._patterns = PatternSearch(clock)
        self._on_share = on_share
        self._wrong: dict[int, WrongAnswer] = {}
        self._done = 0
        self._restarts = 0
        self._restarting = asyncio.Lock()

    async def run(self) -> TaskScore:
        """The score of all tasks.

        Raises:
            StokerError: the model's process was lost and does not come back.
        """
        left = iter(enumerate(self._tasks))
        try:
            async with self._patterns, asyncio.TaskGroup() as group:
                for _ in range(min(self._slots, len(self._tasks))):
                    group.create_task(self._take(left))
        except* StokerError as errors:
            raise errors.exceptions[0] from None
        return self._score()

    def so_far(self) -> Accuracy | None:
        """The tasks that are answered by now; None before the first."""
        return accuracy(self._done - len(self._wrong), self._done) if self._done else None

    async def _take(self, left: Iterator[tuple[int, Task]]) -> None:
        for at, task in left:
            await self._answer(at, task)

    async def _answer(self, at: int, task: Task) -> None:
        life, said = self._restarts, ""
        try:
            said = await self._ask(task)
            right = await matches(task.match, task.expected, said, self._patterns.found)
        except TimeoutError:
            self._note(WrongAnswer(at, "", "it did not end in time"))
        except StokerError as error:
            self._note(WrongAnswer(at, said[:WRONG_CHARACTERS_MAX], error.message))
            if isinstance(error, _LOST):
                await self._restart(life, error)
        else:
            self._note(None if right else WrongAnswer(at, said[:WRONG_CHARACTERS_MAX]))

    def _note(self, wrong: WrongAnswer | None) -> None:
        """Count one more task."""
        self._done += 1
        if wrong is not None:
            self._wrong[wrong.task] = wrong
        self._on_share(self._done / len(self._tasks))

    async def _ask(self, task: Task) -> str:
        most = self._tokens_max or tokens_max_for(task)
        asking = self._runtime.chat(task.asked, temperature=0.0, max_tokens=most)
        seconds = _DEADLINE_S + most * _DEADLINE_TOKEN_S
        return (await within(self._clock, seconds, asking)).text

    async def _restart(self, life: int, error: StokerError) -> None:
        """Bring a lost process back, once for all who lost it, and a bounded number of times."""
        async with self._restarting:
            if life != self._restarts:
                return
            if self._restarts >= RESTARTS_MAX:
                raise error
            await self._runtime.load()
            self._restarts += 1

    def _score(self) -> TaskScore:
        right = [at not in self._wrong for at in range(len(self._tasks))]
        return TaskScore(
            accuracy=accuracy(sum(right), len(right)),
            by_category=by_category([task.category for task in self._tasks], right),
            failed=sum(one.error is not None for one in self._wrong.values()),
            wrong=tuple(self._wrong[at] for at in sorted(self._wrong)),
        )
