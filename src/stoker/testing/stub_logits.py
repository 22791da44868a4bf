"""A stub of the process that writes logits: `python -m stoker.testing.stub_logits`.

Says a header and rows as its spec asks for, or fails on the way. Holds no model.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from typing import Any

from stoker.engines.base import Launch
from stoker.engines.llamacpp.logits import HEADER

_MODULE = "stoker.testing.stub_logits"


def launch_stub(  # noqa: PLR0913 - one keyword for each way to behave
    *,
    rows: int = 60,
    vocabulary: int = 4,
    rows_written: int | None = None,
    last_words: str = "",
    talk: int = 0,
    value: float = 0.5,
    error: dict[str, str] | None = None,
    hang: bool = False,
) -> Launch:
    """The stub with `rows` rows of a header's promise.

    `rows_written` of them come, then it says `last_words` and ends, or hangs. `talk` lines of
    something else come first; `error` comes in place of a header. Each number is `value`.
    """
    spec = {
        "rows": rows,
        "vocabulary": vocabulary,
        "rows_written": rows if rows_written is None else rows_written,
        "last_words": last_words,
        "talk": talk,
        "value": value,
        "error": error,
        "hang": hang,
    }
    return Launch(_MODULE, spec, ())


def main() -> None:
    """Read the spec and behave as it says."""
    spec: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    for number in range(spec["talk"]):
        _write(f"line {number}\n".encode())
    _write((HEADER + json.dumps(spec["error"] or _header(spec)) + "\n").encode())
    row = struct.pack("<f", spec["value"]) * spec["vocabulary"]
    _write(row * spec["rows_written"])
    if spec["hang"]:
        time.sleep(3600)
    sys.stderr.write(spec["last_words"])
    sys.stderr.flush()
    os._exit(0)


def _header(spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "vocabulary": spec["vocabulary"],
        "digest": "sha256:stub",
        "targets": [at % spec["vocabulary"] for at in range(spec["rows"])],
        "counts": [spec["rows"]],
        "text_tokens": spec["rows"],
        "text_bytes": spec["rows"],
    }


def _write(data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(1, rest) :]


if __name__ == "__main__":
    main()
