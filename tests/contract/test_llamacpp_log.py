"""The engine's last words are written before its process ends: they say why a load failed."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Adds lines to the engine's log, which another thread writes, and ends without any clearing up.
PROGRAM = """
import ctypes, os
import xllamacpp.xllamacpp as engine
from stoker.engines.llamacpp import child
library = ctypes.CDLL(engine.__file__)
main, add = library[child._LOG], library["_Z14common_log_addP10common_log14ggml_log_levelPKcz"]
main.restype = ctypes.c_void_p
log = ctypes.c_void_p(main())
for number in range(3000):
    add(log, 4, b"line %d\\n", number)
child._flush_log()
os._exit(1)
"""


@pytest.mark.slow
@pytest.mark.engine
def test_what_the_engine_has_logged_outlives_it() -> None:
    argv = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=50, check=False)
    lines = [line for line in done.stderr.splitlines() if "line " in line]
    assert len(lines) == 3000
    assert done.returncode == 1
