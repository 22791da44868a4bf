"""`stoker stop`: end the service, or let one model go."""

from __future__ import annotations

import time

import click

from stoker.cli.completing import Model
from stoker.client import ServiceClient
from stoker.core.errors import ServiceError
from stoker.core.model import ModelRef
from stoker.state.home import Home
from stoker.state.service_lock import find_service

_POLL_S = 0.05


@click.command("stop", short_help="Stop the running service, or one of its models.")
@click.argument("model", type=Model(), required=False)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait until the service is gone.",
)
def command(model: str | None, timeout: float) -> None:
    """Stop the running service once its answers have ended; with MODEL, only that model.

    \b
    Examples:
      stoker stop
      stoker stop starter
    """
    client = ServiceClient(Home.find())
    client.address()
    if model is not None:
        done = client.unload(str(ModelRef.parse(model)))
        click.echo(f"{model} {'is unloaded' if done else 'was not loaded'}", err=True)
        return
    client.stop()
    _wait_gone(timeout)
    click.echo("the service has stopped", err=True)


def _wait_gone(timeout_s: float) -> None:
    home, deadline = Home.find(), time.monotonic() + timeout_s
    while find_service(home) is not None:
        if time.monotonic() > deadline:
            raise ServiceError(
                f"The service still drains after {timeout_s:g} s", hint="wait for it with stoker ps"
            )
        time.sleep(_POLL_S)
