"""How fast a model of half a billion weights becomes Q8_0, and how much memory that takes.

python benchmarks/quantize.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

MEMORY_BYTES_MAX = 2_000_000_000
_MAKE = (
    "import sys; from pathlib import Path; from stoker.testing.synthetic import write_model;"
    "write_model(Path(sys.argv[1]), 'half_b', 'F16')"
)
_RUN = "from stoker.cli.quantize import command; command()"


def measure(folder: Path) -> dict[str, Any]:
    """What `quantize --json` says, in a process of its own, so that its peak memory is its own."""
    source, out = folder / "source.gguf", folder / "out.gguf"
    subprocess.run([sys.executable, "-c", _MAKE, str(source)], check=True, timeout=300)
    argv = [sys.executable, "-c", _RUN, str(source), "--to", "q8_0", "--out", str(out), "--json"]
    done = subprocess.run(argv, check=True, timeout=300, capture_output=True)
    return dict(json.loads(done.stdout))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder))
    found["bytes_out_per_second"] = int(found["bytes_out"] / found["seconds"])
    del found["file"]
    print(json.dumps(found, indent=2))
    return int(found["peak_memory_bytes"] > MEMORY_BYTES_MAX)


if __name__ == "__main__":
    sys.exit(main())
