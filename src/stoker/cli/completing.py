"""What the shell is offered for an argument: models that are here, and machines by name.

Owns the words; the shell adds files, where click says so. A home that cannot be read offers none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import click
from click.shell_completion import CompletionItem

from stoker.core.errors import StokerError


class Model(click.ParamType[str]):
    """The text that names a model; completed with what is stored, and with files."""

    name = "model"

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,
        incomplete: str,
    ) -> list[CompletionItem]:
        """The stored names that begin so, and whatever files the shell finds."""
        return _offered(_stored(), incomplete)


class MachineName(click.ParamType[str]):
    """A machine's file or a preset; completed with presets, and with files."""

    name = "machine"

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,
        incomplete: str,
    ) -> list[CompletionItem]:
        """The presets that begin so, and whatever files the shell finds."""
        return _offered(_presets(), incomplete)


def _offered(names: Iterator[str], incomplete: str) -> list[CompletionItem]:
    """Files go first: bash forgets what came before them, and offers them where no name fits."""
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return [CompletionItem(incomplete, type="file"), *found]


def _stored() -> Iterator[str]:
    from stoker.cli.storing import open_store  # noqa: PLC0415 - help stays light

    yield "starter"
    with suppress(StokerError, OSError):
        yield from (str(one.ref) for one in open_store().manifests())


def _presets() -> Iterator[str]:
    from stoker.machine.presets import presets  # noqa: PLC0415 - help stays light

    yield from (one.name for one in presets())
