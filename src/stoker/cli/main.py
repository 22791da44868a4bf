"""The command `stoker`: its verbs, and what becomes of an error.

A verb's module is imported when the verb is used, so that help needs no engine and no web server.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword

import click

from stoker.cli.pages.choosing import choice_lines
from stoker.cli.terminal import streams
from stoker.core.choices import Choice
from stoker.core.errors import StokerError

OUTPUT_LOST = 1
INTERRUPTED = 130
# In the order of a first session; the texts are repeated by each verb's own help.
VERBS = {
    "run": "Ask a model on this machine, once or in a chat.",
    "serve": "Answer OpenAI clients from models on this machine.",
    "ps": "Show the models of the running service.",
    "stop": "Stop the running service, or one of its models.",
    "show": "Show what a model is, from its file's header.",
    "pull": "Fetch a model into the store.",
    "ls": "List the models that are stored here.",
    "outdated": "Say which stored models have changed at their sources.",
    "cp": "Give a stored model a second name.",
    "rm": "Remove stored models.",
    "verify": "Check that stored files are what they should be.",
    "gc": "Free what no stored model needs.",
    "df": "Show what the stored models take of the disk.",
    "import": "Make a model file from a Hugging Face folder.",
    "quantize": "Write a smaller file of a model.",
    "compare": "Measure what smaller models lose.",
    "embed": "Print the vectors of texts.",
    "machine": "Show what this machine has, and measure it once.",
    "calibrate": "Measure how fast this machine runs models.",
    "advise": "Say whether models should run here, at an API, or both.",
    "plan": "Say whether models fit here, how to run them, and how fast.",
    "doctor": "Show what this machine has and how workers are caged here.",
    "completion": "Print the script that completes commands in your shell.",
    "version": "Print the versions of Stoker and its engine.",
}


class VerbGroup(click.Group):
    """Finds a verb's command in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order of a first session."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of one verb; None for a word that is no verb."""
        if cmd_name not in VERBS:
            return None
        module = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command = import_module(f"stoker.cli.{module}").command
        assert isinstance(command, click.Command)  # noqa: S101 - each verb's module has one
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.command(cls=VerbGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run language models on this machine, and keep them running.

    \b
    Examples:
      stoker run starter "What is the refund policy?"
      stoker serve starter ./my-model.gguf
      stoker ps --json
    """


def main() -> None:
    """Run the command; every error becomes one line, a hint and an exit code."""
    streams.open_missing()
    try:
        cli.main(standalone_mode=False)
        sys.stdout.flush()
    except StokerError as error:
        _complain(error.message, error.hint, error.choices)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _complain(error.format_message().removesuffix("."), _usage_hint(error))
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has enough; the rest goes nowhere instead of into a traceback.
        streams.let_go_of_output()
        sys.exit(0)
    except OSError as error:
        if not streams.is_of_output(error):
            raise
        streams.let_go_of_output()
        _complain(
            f"The output cannot be written: {error.strerror}", "free some space where it goes"
        )
        sys.exit(OUTPUT_LOST)


def _usage_hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"see `{context.command_path if context is not None else 'stoker'} --help`"


def _complain(message: str, hint: str, choices: tuple[Choice, ...] = ()) -> None:
    with suppress(OSError):  # nobody can be told where the standard error is full too
        click.echo(f"error: {message}", err=True)
        for line in choice_lines(choices):
            click.echo(line, err=True)
        if hint:
            click.echo(f"hint: {hint}", err=True)
