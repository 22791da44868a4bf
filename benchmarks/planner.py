"""What the planner predicts, beside what is measured.

    python benchmarks/planner.py [--quick]

Memory: see planner_memory.
"""

from __future__ import annotations

from harness import Result, main
from planner_memory import memory_rows, notes


def measure(quick: bool) -> Result:
    return Result("planner", "measured", memory_rows(quick), notes())


if __name__ == "__main__":
    main(measure, __doc__)
