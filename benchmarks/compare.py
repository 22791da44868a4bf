"""The whole of `stoker compare starter`, as a user runs it: what it finds, how long it takes.

    python benchmarks/compare.py [--quick]

`docs/compare.md` and its picture are made of the kept result by `benchmarks/docs.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import AT_MOST, Result, Row, main

COMMAND = Path(sys.executable).with_name("stoker")
QUICK = ("--quants", "q4_0", "--rounds", "1")
NOTES = ["seconds of the whole process, start of Python included; of which: the phases of it"]


def measure(quick: bool) -> Result:
    argv = [str(COMMAND), "compare", "starter", "--json", *(QUICK if quick else ())]
    with tempfile.TemporaryDirectory() as home:
        began_s = time.perf_counter()
        done = subprocess.run(
            argv, env={**os.environ, "STOKER_HOME": home}, check=True, stdout=subprocess.PIPE
        )
        taken_s = time.perf_counter() - began_s
    report = json.loads(done.stdout)
    rows = [Row("whole command", taken_s, None, taken_s, "s", AT_MOST, 180)]
    rows += [
        Row(f"of which {phase}", None, None, seconds, "s")
        for phase, seconds in report["seconds"].items()
    ]
    return Result("compare", "nothing", rows, notes=NOTES, parts={"report": report})


if __name__ == "__main__":
    main(measure, __doc__)
