"""What the planner predicts, beside what is measured.

    python benchmarks/planner.py [--quick]

Memory: see planner_memory. How long a plan takes that somebody waits for: see planner_time.
"""

from __future__ import annotations

from harness import Result, main
from planner_memory import memory_rows, notes
from planner_time import time_rows


def measure(quick: bool) -> Result:
    return Result("planner", "measured", memory_rows(quick) + time_rows(quick), notes())


if __name__ == "__main__":
    main(measure, __doc__)
