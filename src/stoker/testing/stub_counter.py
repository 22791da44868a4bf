"""The stub engine's dry run: `python -m stoker.testing.stub_counter`.

Reads its spec from standard input, opens the model's file, and says what it would take, or fails in
the way its spec asks for. A token of context takes one byte; the file is the weights.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from stoker.testing.stub_behaviour import StubBehaviour

MEMORY = "stub:memory "


def main() -> None:
    """Count, say it, and end."""
    spec = json.loads(sys.stdin.buffer.readline())
    how = StubBehaviour(**spec["behaviour"])
    if how.crash_at_load is not None:
        sys.stderr.write(how.crash_at_load)
        sys.stderr.flush()
        os._exit(1)
    while how.hang_at_load and sys.stdin.buffer.read(1):
        pass
    told = {
        "weights": Path(spec["model"]).stat().st_size,
        "kv": spec["context"] * spec["slots"],
        "compute": 1,
        "output": spec["slots"],
    }
    print(MEMORY + json.dumps(told), flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main()
