"""`stoker embed`: vectors of texts."""

from __future__ import annotations

import json
import sys

import click

from stoker.cli.completing import Model
from stoker.cli.options import threads_option
from stoker.core.bounds import check_task
from stoker.core.errors import InvalidRequestError, PayloadTooLargeError
from stoker.core.request import Kind

_PIPED_MAX = 16 << 20
_TEXTS_MAX = 2048
_TOGETHER = 32
_SHOWN = 5


@click.command("embed", short_help="Print the vectors of texts.")
@click.argument("model", type=Model())
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@threads_option
@click.option("--json", "as_json", is_flag=True, help="Print each text and place with its vector.")
def command(model: str, texts: tuple[str, ...], *, threads: int | None, as_json: bool) -> None:
    """Print the vectors of texts, one JSON line each.

    MODEL is the path of an embedding model. Without a TEXT, each line of the standard input is one,
    so that the lines printed are as many; a blank line is refused.

    \b
    Examples:
      stoker embed ./all-MiniLM-L6-v2-f16.gguf "a cat" "a dog"
      stoker embed ./all-MiniLM-L6-v2-f16.gguf --json < lines.txt
    """
    asked = texts or _piped()
    _refuse_blank(asked, "Line" if not texts else "Text")
    from stoker.library.blocking import LocalModelRuntime  # noqa: PLC0415 - slow to import

    runtime = LocalModelRuntime(model, threads=threads)
    check_task(Kind.EMBEDDING, runtime.model)
    with runtime:
        for start in range(0, len(asked), _TOGETHER):
            some = asked[start : start + _TOGETHER]
            for place, vector in enumerate(runtime.embed(some), start):
                whole = {"index": place, "text": asked[place], "embedding": vector}
                click.echo(json.dumps(whole if as_json else vector, ensure_ascii=False))


def _piped() -> tuple[str, ...]:
    data = b"" if sys.stdin.isatty() else sys.stdin.buffer.read(_PIPED_MAX + 1)
    if len(data) > _PIPED_MAX:
        raise PayloadTooLargeError(f"The standard input has more than {_PIPED_MAX} bytes")
    lines = _lines(data)
    if not lines:
        raise InvalidRequestError("There is no text", hint="give a TEXT, or lines to read.")
    if len(lines) > _TEXTS_MAX:
        raise PayloadTooLargeError(f"There are {len(lines)} texts, more than {_TEXTS_MAX}")
    return lines


def _lines(data: bytes) -> tuple[str, ...]:
    """One text for each line as files count them: other separators are part of a text."""
    lines = data.removesuffix(b"\n").split(b"\n") if data else []
    return tuple(_text(line, number) for number, line in enumerate(lines, 1))


def _text(line: bytes, number: int) -> str:
    try:
        return line.removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        raise InvalidRequestError(f"Line {number} is not UTF-8", hint="convert it first.") from None


def _refuse_blank(texts: tuple[str, ...], what: str) -> None:
    blank = [str(number) for number, text in enumerate(texts, 1) if not text.strip()]
    if blank:
        shown = ", ".join(blank[:_SHOWN]) + (", ..." if len(blank) > _SHOWN else "")
        raise InvalidRequestError(
            f"{what} {shown} {'is' if len(blank) == 1 else 'are'} blank",
            hint="give a text there or leave it out: there is one vector for each.",
        )
