"""A chat in the terminal. Ctrl-C stops an answer; Ctrl-D or /bye ends the chat."""

from __future__ import annotations

import contextlib
from typing import Any

import click

from stoker.cli.terminal.answering import loaded, print_events
from stoker.core.errors import ContextOverflowError, InvalidRequestError
from stoker.core.request import Message, Role
from stoker.library.blocking import LocalModelRuntime

_HELP = "/clear forgets the conversation, /bye or Ctrl-D ends the chat, Ctrl-C stops an answer"


def chat(runtime: LocalModelRuntime, system: str | None, options: dict[str, Any]) -> None:
    """Talk with `runtime` until the person leaves."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401, PLC0415 - line editing and history for input()
    told = [Message(Role.SYSTEM, system)] if system else []
    turns = list(told)
    with loaded(runtime):
        click.echo(f"chat with {runtime.model.ref}; {_HELP}", err=True)
        while (line := _ask()) is not None:
            if line == "/clear":
                turns = list(told)
            elif line in ("/help", "/?"):
                click.echo(_HELP, err=True)
            elif line:
                turns = _turn(runtime, [*turns, Message(Role.USER, line)], options)


def _turn(
    runtime: LocalModelRuntime, turns: list[Message], options: dict[str, Any]
) -> list[Message]:
    """The conversation after the model's answer; without the question where it was refused."""
    try:
        text, _ = print_events(runtime.stream_events(turns, **options), quiet=False)
    except ContextOverflowError:
        shorter = _without_oldest(turns)
        if shorter is None:
            click.echo("error: that is longer than the model's context", err=True)
            return turns[:-1]
        click.echo("(the oldest question and answer were dropped: the context is full)", err=True)
        return _turn(runtime, shorter, options)
    except InvalidRequestError as error:
        click.echo(f"error: {error.message}\nhint: /clear forgets the conversation", err=True)
        return turns[:-1]
    return [*turns, Message(Role.ASSISTANT, text)]


def _without_oldest(turns: list[Message]) -> list[Message] | None:
    """The conversation without its first question and answer; None if only the last is left."""
    told = turns[:1] if turns[0].role is Role.SYSTEM else []
    spoken = turns[len(told) :]
    return [*told, *spoken[2:]] if len(spoken) > 2 else None


def _ask() -> str | None:
    """What the person says next; None when they leave."""
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            click.echo(err=True)
            return None
        except KeyboardInterrupt:
            click.echo("\n(Ctrl-D or /bye ends the chat)", err=True)
            continue
        return None if line in ("/bye", "/exit", "/quit") else line
