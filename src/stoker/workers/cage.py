"""The child's first code: `python -m stoker.workers.cage` closes the cage, then runs the engine.

Reads one JSON line, the policy, from standard input, and not one byte more: the next line
belongs to the engine's module, which runs in this same process. Must stay single-threaded and
import little until the cage is closed.
"""

from __future__ import annotations

import os
import runpy
import sys

from stoker.workers import sandbox
from stoker.workers.policy import CagePolicy

_LINE_BYTES = 1024 * 1024
EXIT_ORPHANED = 70


def read_line(handle: int) -> bytes:
    """One line from `handle`, byte by byte, so that nothing behind it is taken.

    Raises:
        EOFError: the stream ended before the line did, or the line is too long.
    """
    line = bytearray()
    while len(line) < _LINE_BYTES:
        byte = os.read(handle, 1)
        if byte == b"\n":
            return bytes(line)
        if not byte:
            break
        line += byte
    raise EOFError("no whole line")


def main() -> None:
    """Close the cage, report it, and become the engine."""
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)  # a terminal's Ctrl-C is for the program in front, not for its workers
    try:
        policy = CagePolicy.from_line(read_line(0))
        report = sandbox.apply(policy)
    except (EOFError, sandbox.ParentGoneError):
        sys.exit(EXIT_ORPHANED)
    print(report.to_line(), flush=True)  # noqa: T201 - the parent reads it
    runpy.run_module(policy.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
