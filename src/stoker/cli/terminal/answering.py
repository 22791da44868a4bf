"""One answer: streamed to the standard output, or as JSON; what it took, on the standard error."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import click

from stoker.cli.options import print_json
from stoker.core.bounds import check_task
from stoker.core.request import Event, Finish, Kind, Message, Role, Text
from stoker.core.units import format_bytes, format_seconds
from stoker.library.blocking import LocalModelRuntime
from stoker.library.statistics import RuntimeStatistics


@dataclass(frozen=True, slots=True)
class UserPrompt:
    """What is asked: the text, what the model is told before it, and sampling options."""

    text: str
    system: str | None
    options: dict[str, Any]

    def messages(self) -> list[Message]:
        """The question as a conversation."""
        told = [Message(Role.SYSTEM, self.system)] if self.system else []
        return [*told, Message(Role.USER, self.text)]

    def prompt(self) -> str | list[Message]:
        """A plain text where nothing is told before, so that a model without template can go on."""
        return self.messages() if self.system else self.text


@dataclass(frozen=True, slots=True)
class Form:
    """How to print. `command_s` is what the command itself took before the library was called."""

    as_json: bool
    stats: bool
    command_s: float


def make_runtime(model: str, *, context: int | None, threads: int | None) -> LocalModelRuntime:
    """The runtime for one answer at a time.

    Raises:
        CannotGenerateError: the model makes embeddings.
    """
    runtime = LocalModelRuntime(model, context=context, threads=threads)
    check_task(Kind.CHAT, runtime.model)
    return runtime


@contextmanager
def loaded(runtime: LocalModelRuntime) -> Iterator[LocalModelRuntime]:
    """`runtime`, loaded, with the progress shown to a person who waits; unloaded at the end."""
    show = sys.stderr.isatty()
    runtime.load(_show_progress if show else None)
    if show:
        click.echo("\r\x1b[K", err=True, nl=False)
    with runtime:
        yield runtime


def answer(runtime: LocalModelRuntime, question: UserPrompt, form: Form) -> bool:
    """Print the answer; False if it was interrupted."""
    with loaded(runtime):
        events = runtime.stream_events(question.prompt(), **question.options)
        text, finish = print_events(events, quiet=form.as_json)
        statistics = runtime.statistics()
    if form.as_json and finish is not None:
        print_json(_document(text, finish, statistics, form.command_s))
    elif form.stats:
        print_statistics(statistics, form.command_s)
    return finish is not None


def print_events(events: Generator[Event, None, None], *, quiet: bool) -> tuple[str, Finish | None]:
    """The answer's text and end, printed as it comes; the end is None if a person stopped it."""
    parts: list[str] = []
    finish = None
    try:
        # Closed, because an interrupt between two events leaves the answer open and its slot busy.
        with closing(events):
            for event in events:
                if isinstance(event, Text):
                    parts.append(event.text)
                    if not quiet:
                        click.echo(event.text, nl=False)
                elif isinstance(event, Finish):
                    finish = event
    except KeyboardInterrupt:
        click.echo("\nstopped", err=True)
    if not quiet:
        click.echo()
    return "".join(parts), finish


def print_statistics(statistics: RuntimeStatistics, command_s: float) -> None:
    """The cold start in its parts, the speeds and the memory, on the standard error."""
    cold = statistics.cold_start
    parts = {
        "command": command_s,
        "import": cold.import_s if cold else 0.0,
        "spawn": cold.spawn_s if cold else 0.0,
        "load": cold.load_s if cold else 0.0,
        "warm-up": cold.warmup_s if cold else 0.0,
        "first token": statistics.first_token_s or 0.0,
    }
    shown = ", ".join(f"{name} {format_seconds(value)}" for name, value in parts.items())
    click.echo(f"cold start: {shown}; in all {format_seconds(sum(parts.values()))}", err=True)
    click.echo(
        f"speed: prefill {statistics.prefill_tok_s or 0:.0f} tokens/s, "
        f"decode {statistics.decode_tok_s or 0:.0f} tokens/s",
        err=True,
    )
    click.echo(f"peak memory: {format_bytes(statistics.memory_peak_bytes or 0)}", err=True)


def _document(
    text: str, finish: Finish, statistics: RuntimeStatistics, command_s: float
) -> dict[str, Any]:
    cold = statistics.cold_start
    return {
        "text": text,
        "model": statistics.model,
        "finish_reason": finish.reason,
        "usage": {
            "prompt_tokens": finish.usage.prompt_tokens,
            "completion_tokens": finish.usage.completion_tokens,
            "total_tokens": finish.usage.prompt_tokens + finish.usage.completion_tokens,
        },
        "timings": {
            "command_s": round(command_s, 4),
            "import_s": cold and round(cold.import_s, 4),
            "spawn_s": cold and round(cold.spawn_s, 4),
            "load_s": cold and round(cold.load_s, 4),
            "warmup_s": cold and round(cold.warmup_s, 4),
            "first_token_s": statistics.first_token_s and round(statistics.first_token_s, 4),
            "prefill_tok_s": finish.timings.prefill_tok_s,
            "decode_tok_s": finish.timings.decode_tok_s,
        },
        "memory_peak_bytes": statistics.memory_peak_bytes,
    }


def _show_progress(done: float) -> None:
    click.echo(f"\r\x1b[Kloading {done:.0%}", err=True, nl=False)
