"""`stoker embed`: vectors of texts."""

from __future__ import annotations

import json
import sys

import click

from stoker.cli.options import threads_option
from stoker.core.errors import InvalidRequestError, PayloadTooLargeError

_PIPED_MAX = 16 << 20
_TEXTS_MAX = 2048
_TOGETHER = 32


@click.command("embed", short_help="Print the vectors of texts.")
@click.argument("model")
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@threads_option
@click.option("--json", "as_json", is_flag=True, help="Print each text and place with its vector.")
def command(model: str, texts: tuple[str, ...], *, threads: int | None, as_json: bool) -> None:
    """Print the vectors of texts, one JSON line each.

    MODEL is the path of an embedding model. Without a TEXT, each line of the standard input is one.

    \b
    Examples:
      stoker embed ./all-MiniLM-L6-v2-f16.gguf "a cat" "a dog"
      stoker embed ./all-MiniLM-L6-v2-f16.gguf --json < lines.txt
    """
    asked = texts or _piped()
    from stoker.library.blocking import LocalModelRuntime  # noqa: PLC0415 - slow to import

    with LocalModelRuntime(model, threads=threads) as runtime:
        for start in range(0, len(asked), _TOGETHER):
            some = asked[start : start + _TOGETHER]
            for place, vector in enumerate(runtime.embed(some), start):
                whole = {"index": place, "text": asked[place], "embedding": vector}
                click.echo(json.dumps(whole if as_json else vector, ensure_ascii=False))


def _piped() -> tuple[str, ...]:
    data = b"" if sys.stdin.isatty() else sys.stdin.buffer.read(_PIPED_MAX + 1)
    if len(data) > _PIPED_MAX:
        raise PayloadTooLargeError(f"The standard input has more than {_PIPED_MAX} bytes")
    lines = tuple(line for line in data.decode("utf-8", "replace").splitlines() if line.strip())
    if not lines:
        raise InvalidRequestError("There is no text", hint="give a TEXT, or lines to read.")
    if len(lines) > _TEXTS_MAX:
        raise PayloadTooLargeError(f"There are {len(lines)} texts, more than {_TEXTS_MAX}")
    return lines
