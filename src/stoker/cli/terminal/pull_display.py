"""How a pull is seen: a bar on a terminal, lines of JSON for programs, a few words in a log.

Owns rates, and how often something is shown. What there is to tell comes from `models.download`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from stoker.core.errors import StokerError
from stoker.core.units import format_bytes, format_seconds
from stoker.models.download.events import (
    DownloadEvent,
    Kept,
    Moved,
    Retrying,
    StartedOver,
    Waiting,
)

WINDOW_S = 10.0
BAR_EVERY_S = 0.2
LINE_EVERY_S = 1.0
RETRIES_EVERY_S = 30.0
COLUMNS = 80
_WIDTH = 20


class Rate:
    """Bytes per second over the last `WINDOW_S` seconds; what was there before counts not."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def see(self, done_bytes: int) -> None:
        """So many bytes are here now."""
        now = self._clock()
        if self._seen and done_bytes < self._seen[-1][1]:
            self._seen.clear()  # it began anew
        self._seen.append((now, done_bytes))
        while len(self._seen) > 2 and self._seen[0][0] < now - WINDOW_S:
            self._seen.popleft()

    @property
    def bytes_per_s(self) -> float:
        """The rate; 0 while it is not known."""
        if len(self._seen) < 2:
            return 0.0
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0


class Display:
    """What is common to all: a log gets a line for what is out of the ordinary, and the result."""

    every_s = LINE_EVERY_S

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.rate = Rate(clock)
        self._shown_s = clock()
        self._shown: Moved | None = None
        self._kept_bytes: int | None = None
        self._said_s: float | None = None
        self._unsaid = 0

    def hear(self, event: DownloadEvent) -> None:
        """Take in what happened, and show it where it is time."""
        match event:
            case Moved():
                self._hear_moved(event)
            case Kept(kept_bytes=kept):
                self._kept_bytes = (self._kept_bytes or 0) + kept
            case Retrying(reason=reason, wait_s=wait_s):
                self.retrying(f"{reason}; trying again in {format_seconds(wait_s)}")
            case StartedOver(name=name, reason=reason):
                self.say(f"{name}: {reason}; starting over")
            case Waiting(name=name):
                self.say(f"another process fetches {name}; waiting for it")

    def _hear_moved(self, event: Moved) -> None:
        now = self._clock()
        if event == self._shown:
            return
        if now - self._shown_s >= self.every_s or event.done_bytes == event.total_bytes:
            self._shown_s, self._shown = now, event
            self.rate.see(event.done_bytes)
            self.progress(event)
        elif not self.rate.bytes_per_s:
            self.rate.see(event.done_bytes)

    def progress(self, event: Moved) -> None:
        """Show how far it is; a log shows nothing."""

    def retrying(self, text: str) -> None:
        """Say that something failed and is tried again, of many times only now and then."""
        now = self._clock()
        if self._said_s is not None and now - self._said_s < RETRIES_EVERY_S:
            self._unsaid += 1
            return
        more = f" ({self._unsaid} more times since)" if self._unsaid else ""
        self._said_s, self._unsaid = now, 0
        self.say(f"{text}{more}")

    def say(self, text: str) -> None:
        """Say something to a person."""
        click.echo(text, err=True)

    def resolved(self, document: Mapping[str, Any], text: str) -> None:
        """Say what will be fetched."""
        self.say(text)

    def done(self, document: Mapping[str, Any], text: str) -> None:
        """Print the result."""
        click.echo(text)

    def interrupted(self, again: str) -> None:
        """Say how to go on."""
        self.end_line()
        if not self._kept_bytes:
            click.echo("interrupted; nothing is kept", err=True)
        else:
            kept = format_bytes(self._kept_bytes)
            click.echo(f"interrupted; {kept} are kept\nhint: {again} goes on from there", err=True)

    def changing(self, document: Mapping[str, Any], lines: Sequence[str]) -> None:
        """Say what a name means, and would mean."""
        self.end_line()
        for line in lines:
            click.echo(line, err=True)

    def broke_off(self, error: StokerError) -> None:
        """Say what is kept of a pull that failed, where something is."""
        self.end_line()
        if self._kept_bytes:
            kept = format_bytes(self._kept_bytes)
            click.echo(f"{kept} are kept: the same command goes on from there", err=True)

    def end_line(self) -> None:
        """What follows begins on a line of its own."""


class Bar(Display):
    """One line of a terminal that changes."""

    every_s = BAR_EVERY_S

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._open = False

    def progress(self, event: Moved) -> None:
        """Draw the bar anew."""
        self._draw(bar_text(event, self.rate.bytes_per_s, _columns()))

    def retrying(self, text: str) -> None:
        """Say it in place of the bar, which comes back with the next bytes."""
        self._draw(text[: _columns() - 1])

    def _draw(self, text: str) -> None:
        click.echo(f"\r{text}\033[K", err=True, nl=False)
        self._open = True

    def say(self, text: str) -> None:
        """Say something above the bar."""
        self.end_line()
        super().say(text)

    def done(self, document: Mapping[str, Any], text: str) -> None:
        """Print the result below the bar."""
        self.end_line()
        super().done(document, text)

    def end_line(self) -> None:
        """Leave the bar as it is."""
        if self._open:
            click.echo(err=True)
        self._open = False


class Lines(Display):
    """One JSON document on each line of the standard output."""

    def progress(self, event: Moved) -> None:
        """Print how far it is, once a second."""
        self._print(
            "progress",
            {
                "bytes": event.done_bytes,
                "total_bytes": event.total_bytes,
                "bytes_per_s": round(self.rate.bytes_per_s),
            },
        )

    def resolved(self, document: Mapping[str, Any], text: str) -> None:
        """Print what will be fetched."""
        self._print("resolved", document)

    def done(self, document: Mapping[str, Any], text: str) -> None:
        """Print the result."""
        self._print("done", document)

    def changing(self, document: Mapping[str, Any], lines: Sequence[str]) -> None:
        """Print what a name means, and would mean."""
        self._print("change", document)

    def broke_off(self, error: StokerError) -> None:
        """Print why it failed, what is kept, and what there is to choose from."""
        document = {
            "code": error.openai_code,
            "message": error.message,
            "hint": error.hint,
            "kept_bytes": self._kept_bytes,
        }
        choices = [
            {"name": one.name, "quantization": one.quantization, "bytes": one.size_bytes}
            for one in error.choices
        ]
        self._print("error", {**document, **({"choices": choices} if choices else {})})

    def interrupted(self, again: str) -> None:
        """Print that it is not whole."""
        self._print("interrupted", {"kept_bytes": self._kept_bytes})
        super().interrupted(again)

    def _print(self, event: str, document: Mapping[str, Any]) -> None:
        click.echo(json.dumps({"event": event, **document}, ensure_ascii=False))
        sys.stdout.flush()


def bar_text(event: Moved, bytes_per_s: float, columns: int = COLUMNS) -> str:
    """The bar: how far, how much, how fast, and how long still, as far as that is known.

    It is shorter than `columns`: what matters least is left out.
    """
    forms = _bar_forms(event, bytes_per_s)
    return next((form for form in forms if len(form) < columns), forms[-1][: columns - 1])


def _columns() -> int:
    """How wide the terminal is that the bar is drawn on."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or COLUMNS
    except (OSError, ValueError):
        return COLUMNS


def _bar_forms(event: Moved, bytes_per_s: float) -> list[str]:
    """The longest form first."""
    done = format_bytes(event.done_bytes)
    rate = f"{format_bytes(int(bytes_per_s))}/s" if bytes_per_s else "-"
    if not event.total_bytes:
        return [f"{done}  {rate}", done]
    share = event.done_bytes / event.total_bytes
    full = "#" * int(share * _WIDTH)
    left = ""
    if bytes_per_s and event.done_bytes < event.total_bytes:
        left_s = (event.total_bytes - event.done_bytes) / bytes_per_s
        left = f"  {_whole_time(left_s)} left"
    percent, much = f"{int(share * 100):3} %", f"{done} of {format_bytes(event.total_bytes)}"
    return [
        f"{percent} [{full:{_WIDTH}}] {much}  {rate}{left}",
        f"{percent}  {much}  {rate}{left}",
        f"{percent}  {rate}{left}",
        f"{percent}{left}",
        percent,
    ]


def _whole_time(seconds: float) -> str:
    """`seconds` as a person counts down: `18 s`, `5 min`, `2 h 10 min`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def display_for(*, as_json: bool) -> Display:
    """The form that suits who reads."""
    if as_json:
        return Lines()
    return Bar() if sys.stderr.isatty() else Display()
