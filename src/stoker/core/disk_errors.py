"""What the system says about a disk, as errors of our own.

Owns the error numbers that mean something to a person; what is written where is for the callers.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stoker.core.errors import DiskFullError, HomeError, HomeNotWritableError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
CLOSED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the system says about `path`, a part of Stoker's folder, into our own errors.

    Raises:
        DiskFullError, HomeNotWritableError, HomeError: as the system's error number says.
    """
    try:
        yield
    except OSError as error:
        raise _translate(error, path) from error


def _translate(error: OSError, path: Path) -> HomeError:
    if error.errno in FULL:
        return DiskFullError(f"The disk that holds {path} is full")
    if error.errno in CLOSED:
        return HomeNotWritableError(f"{path} cannot be written: {error.strerror or error}")
    return HomeError(f"{path} cannot be used: {error.strerror or error}")
