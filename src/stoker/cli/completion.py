"""`stoker completion`: tab completion for the shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion", short_help="Print the script that completes commands in your shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes commands in your shell.

    \b
    Examples:
      source <(stoker completion bash)
      stoker completion fish > ~/.config/fish/completions/stoker.fish
    """
    from stoker.cli.main import cli  # noqa: PLC0415 - main imports this module

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has the three that the choice allows
    click.echo(kind(cli, {}, "stoker", "_STOKER_COMPLETE").source())
