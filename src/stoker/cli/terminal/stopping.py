"""Running something to its end, or until a person or the system says stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

import click

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_until_stopped(work: Coroutine[Any, Any, None]) -> int | None:
    """Run `work` on an event loop; Ctrl-C or SIGTERM cancels it, and it is waited for.

    Returns:
        The exit status that the first signal asks for (128 and its number); None without one.

    Raises:
        StokerError: whatever `work` raises.
    """
    return asyncio.run(_run(work))


async def _run(work: Coroutine[Any, Any, None]) -> int | None:
    task = asyncio.ensure_future(work)
    caught: list[int] = []

    def stop(number: int) -> None:
        if not caught:
            click.echo("\nstopping", err=True)
        caught.append(number)
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        await asyncio.wait({task})
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
    if not task.cancelled():
        task.result()
    return 128 + caught[0] if caught else None
