"""Which text a model is scored on: running text, or the right answers to conversations.

Right answers are scored where the model would give them: after the conversation in the model's own
chat template, one sequence each. Rendering belongs to the engine, behind `Render`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stoker.comparing.matching import Match
from stoker.comparing.tasks import Asked, Task, load_tasks
from stoker.core.errors import FileMissingError, InvalidRequestError, TextTooShortError
from stoker.engines.llamacpp.logits import TEXT_BYTES_MAX, Passage, size_bytes

STARTER_TEXT = Path(__file__).with_name("starter_text.jsonl")
TEXT_CHARACTERS_MIN = 200
# Below this a 99th percentile is one token's, and a mean is mostly chance.
SCORED_TOKENS_MIN = 50
CONVERSATIONS_MAX = 2000
# Only of these rules is the expected text a whole right answer.
_WHOLE = frozenset({Match.EXACT, Match.JSON})

Render = Callable[[Asked], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class ScoredText:
    """What is scored and what it is called: running `text`, or the answers of `conversations`."""

    source: str
    text: str = ""
    conversations: tuple[Task, ...] = ()

    @property
    def scored_bytes(self) -> int:
        """An upper bound of the tokens that can be scored; an answer's end is one more."""
        answers = sum(len(one.expected.encode()) + 1 for one in self.conversations)
        return len(self.text.encode()) + answers


@dataclass(frozen=True, slots=True)
class Rendered:
    """What one model reads: running text, or passages with the category of each.

    `refused` conversations are missing, because the chat template does not take them.
    """

    text: str | tuple[Passage, ...]
    categories: tuple[str, ...] = ()
    refused: int = 0


def load_text(path: Path) -> ScoredText:
    """The text in the file `path`; a `.jsonl` file holds conversations, in the form of tasks.

    Raises:
        FileMissingError: no such file.
        InvalidRequestError: no UTF-8, too short or too long, or a line is no task.
    """
    if path.suffix.lower() == ".jsonl":
        return of_tasks(path.name, load_tasks(path))
    try:
        with path.open("rb") as file:
            data = file.read(TEXT_BYTES_MAX + 1)
        text = data.decode()
    except OSError as error:
        kind = FileMissingError if isinstance(error, FileNotFoundError) else InvalidRequestError
        raise kind(
            f"The text cannot be read: {error.strerror}", hint="give a file of UTF-8 text."
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidRequestError(
            f"{path.name} is not UTF-8 text", hint="save it as UTF-8."
        ) from error
    _check_length(path.name, len(data), text)
    return ScoredText(path.name, text=text)


def of_tasks(source: str, tasks: Sequence[Task]) -> ScoredText:
    """The answers that `tasks` expect, as far as they expect a whole one and not a part."""
    return ScoredText(source, conversations=tuple(one for one in tasks if one.match in _WHOLE))


async def render_all(conversations: Sequence[Task], render: Render, *, closed: bool) -> Rendered:
    """A passage for each conversation that the chat template takes.

    Where all of them together are too many or too long, evenly spread ones. `closed` where a model
    with a chat template ends its answers itself.
    """
    passages: list[Passage] = []
    categories: list[str] = []
    every = -(-len(conversations) // CONVERSATIONS_MAX) or 1
    asked = conversations[::every]
    for one in asked:
        try:
            given = await render(one.asked)
        except InvalidRequestError:
            continue
        passages.append(Passage(given, one.expected, closed))
        categories.append(one.category)
    step = step_that_fits(passages)
    refused = len(asked) - len(passages)
    return Rendered(tuple(passages[::step]), tuple(categories[::step]), refused)


def step_that_fits(passages: Sequence[Passage], bytes_max: int = TEXT_BYTES_MAX) -> int:
    """1 to take all of `passages`; or 2, 3 and so on to take every so many, until they fit."""
    step = 1
    while step < len(passages) and size_bytes(passages[::step]) > bytes_max:
        step += 1
    return step


def check_enough(scored_tokens: int) -> None:
    """Refuse so few scored tokens that they tell nothing.

    Raises:
        TextTooShortError: with both figures.
    """
    if scored_tokens < SCORED_TOKENS_MIN:
        raise TextTooShortError(
            f"The text is too short: {scored_tokens} tokens would be scored,"
            f" and at least {SCORED_TOKENS_MIN} are needed"
        )


def _check_length(name: str, size: int, text: str) -> None:
    if size > TEXT_BYTES_MAX:
        raise InvalidRequestError(
            f"{name} is longer than {TEXT_BYTES_MAX} bytes", hint="give a part of it."
        )
    if len(text.strip()) < TEXT_CHARACTERS_MIN:
        raise TextTooShortError(
            f"{name} is too short: it has fewer than {TEXT_CHARACTERS_MIN} characters"
        )
