"""What the system says about a disk becomes one of our errors."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from stoker.core.disk_errors import disk_errors
from stoker.core.errors import DiskFullError, HomeError, HomeNotWritableError


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFullError),
        (errno.EDQUOT, DiskFullError),
        (errno.EROFS, HomeNotWritableError),
        (errno.EACCES, HomeNotWritableError),
        (errno.EIO, HomeError),
    ],
)
def test_what_the_system_says_becomes_our_error(number: int, kind: type[HomeError]) -> None:
    def fail() -> None:
        with disk_errors(Path("here")):
            raise OSError(number, os.strerror(number))

    with pytest.raises(HomeError, match="here") as caught:
        fail()
    assert type(caught.value) is kind
