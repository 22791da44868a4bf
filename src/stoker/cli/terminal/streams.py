"""The three standard streams, as a caller may have left them: closed, full, or nobody's.

Owns that a verb can take them for granted: each is open, and one that cannot be written any more
goes nowhere, so that the interpreter's last flush says nothing. What is said of it is `main`'s.
"""

from __future__ import annotations

import errno
import os
import sys

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
_DESCRIPTORS = (0, 1, 2)


def open_missing() -> None:
    """Give each stream that the caller has closed the null device.

    Otherwise the next file that is opened, such as a socket, would get the stream's number.
    """
    for number in _DESCRIPTORS:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, "r", encoding="utf-8", closefd=False)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


def let_go_of_output() -> None:
    """Let whatever is still to be printed go nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def is_of_output(error: OSError) -> bool:
    """Whether `error` is what a write to a full disk or a lost terminal says: it names no file."""
    return error.errno in FULL and error.filename is None
