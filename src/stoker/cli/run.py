"""`stoker run`: one answer, or a chat."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import click

from stoker.cli.options import context_option, json_option, threads_option
from stoker.core.errors import PayloadTooLargeError

_NO_ANSWER = 130
_PIPED_MAX = 16 << 20


@click.command("run", short_help="Ask a model on this machine, once or in a chat.")
@click.argument("model", default="starter")
@click.argument("prompt", required=False)
@click.option("--system", metavar="TEXT", help="What the model is told before anything else.")
@click.option("--temperature", type=click.FloatRange(0, 5), help="0 takes the likeliest token.")
@click.option("--top-p", type=click.FloatRange(0, 1, min_open=True), help="Nucleus sampling.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Makes sampling repeatable.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Bounds the answer.")
@context_option
@threads_option
@click.option("--stats", is_flag=True, help="Show the cold start, the speed and the memory.")
@json_option
def command(  # noqa: PLR0913 - one parameter for each option
    model: str,
    prompt: str | None,
    system: str | None,
    ctx: int | None,
    threads: int | None,
    *,
    stats: bool,
    as_json: bool,
    **sampling: Any,
) -> None:
    """Ask a model on this machine, once or in a chat.

    MODEL is `starter`, a stored name or a .gguf file's path. With a PROMPT, or text on the standard
    input, there is one answer; without, a chat. Ctrl-C stops an answer.

    \b
    Examples:
      stoker run starter "What is the refund policy?"
      stoker run ./my-model.gguf "Write a haiku." --temperature 0.7 --seed 1
      cat letter.txt | stoker run starter --json
      stoker run starter
    """
    command_s = _since_process_start()
    from stoker.cli.terminal import answering, chatting  # noqa: PLC0415 - help must not import the library

    options = {name: value for name, value in sampling.items() if value is not None}
    text = prompt if prompt is not None else _piped()
    runtime = answering.make_runtime(model, context=ctx, threads=threads)
    if text is None and not as_json:
        chatting.chat(runtime, system, options)
        return
    if not text:
        raise click.UsageError("There is no prompt: give one, or pipe text in.")
    asked = answering.UserPrompt(text, system, options)
    form = answering.Form(as_json=as_json, stats=stats, command_s=command_s)
    if not answering.answer(runtime, asked, form):
        sys.exit(_NO_ANSWER)


def _piped() -> str | None:
    if sys.stdin.isatty():
        return None
    text = sys.stdin.read(_PIPED_MAX + 1)
    if len(text) > _PIPED_MAX:
        raise PayloadTooLargeError(f"The standard input holds more than {_PIPED_MAX} characters")
    return text.strip()


def _since_process_start() -> float:
    """Seconds since the kernel started this process, to its clock tick; 0 where not told."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0.0
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))
