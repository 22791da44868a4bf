"""`stoker calibrate`: how fast this machine is, measured once for all plans."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

import click

from stoker.cli.options import json_option, print_json
from stoker.cli.pages.calibration_page import show
from stoker.core.units import format_seconds
from stoker.state.calibrations import load_calibration, to_document
from stoker.state.home import Home

if TYPE_CHECKING:
    from stoker.core.calibration import Calibration


@click.command("calibrate", short_help="Measure how fast this machine runs models.")
@click.option("--quick", is_flag=True, help="Fewer formats and rounds: about a minute.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 86400),
    default=30.0,
    metavar="SECONDS",
    help="Wait so long in all for other programs to rest (default 30), within four minutes.",
)
@click.option("--show", "kept", is_flag=True, help="Show the calibration that is kept.")
@json_option
def command(*, quick: bool, wait_s: float, kept: bool, as_json: bool) -> None:
    """Measure how fast this machine runs models, so that plans can tell.

    Writes small models of random weights, times them in the same caged process as any other model,
    and fits what a model's size, format, layers and length cost. Takes under four minutes and a few
    GiB of disk meanwhile. Timings that other programs disturbed are taken again; where those never
    rest, the least disturbed count and intervals are wider. The exit code is 12 where too little
    could be timed at all. Where the machine has power meters that may be read, so is what it draws,
    idle and at work.

    \b
    Examples:
      stoker calibrate
      stoker calibrate --quick
      stoker calibrate --show --json
    """
    home = Home.find()
    calibration = load_calibration(home) if kept else _calibrate(home, quick=quick, wait_s=wait_s)
    if calibration is None:
        raise click.UsageError("Nothing is calibrated yet: leave --show out.")
    if as_json:
        print_json(to_document(calibration))
    else:
        show(calibration)


def _calibrate(home: Home, *, quick: bool, wait_s: float) -> Calibration:
    # numpy, gguf and the workers are slow to import; only this verb pays for them.
    from stoker.calibrating.calibrate import calibrate  # noqa: PLC0415

    meter = _Meter()
    try:
        return asyncio.run(calibrate(home, quick=quick, wait_s=wait_s, on_step=meter))
    finally:
        meter.end()


_LINE_S = 10.0


class _Meter:
    """Progress on standard error: one line on a terminal, elsewhere plain lines.

    Of those there is one for each tenth, and after every `_LINE_S` in which something was done.
    """

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._begun = time.monotonic()
        self._tenth, self._told_s = -1, self._begun

    def __call__(self, done: int, total: int, what: str) -> None:
        now_s = time.monotonic()
        took = format_seconds(now_s - self._begun)
        line = f"{100 * done // total:3} %  {took}  {what}".rstrip()
        if self._terminal:
            click.echo(f"\r\x1b[K{line}", err=True, nl=False)
        elif 10 * done // total > self._tenth or now_s - self._told_s > _LINE_S:
            self._tenth, self._told_s = 10 * done // total, now_s
            click.echo(line, err=True)

    def end(self) -> None:
        """Leave an empty line."""
        if self._terminal:
            click.echo("\r\x1b[K", err=True, nl=False)
