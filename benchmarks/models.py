"""The models that are measured, and the engine alone with exactly Stoker's parameters."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stoker.core.plan import Plan
from stoker.engines.llamacpp.spec import child_spec
from stoker.models.catalogue import STARTER_FOLDER
from stoker.testing.synthetic import write_model

STARTER = STARTER_FOLDER / "starter.gguf"


@contextmanager
def half_b() -> Iterator[Path]:
    """A file of random weights in the 0.5B shape, 0.5 GiB, removed afterwards."""
    with TemporaryDirectory(prefix="stoker-bench-") as folder:
        yield write_model(Path(folder, "half_b.gguf"), "half_b")


def bare_argv(plan: Plan) -> list[str]:
    """The command that runs the engine alone as `plan` says."""
    spec = child_spec(plan, Path("unused.sock"))
    return [sys.executable, str(Path(__file__).with_name("bare.py")), json.dumps(spec)]


def chat(text: str, tokens: int) -> dict[str, Any]:
    """The body of a chat completion of at most `tokens` tokens, always the likeliest one."""
    return {
        "messages": [{"role": "user", "content": text}],
        "max_tokens": tokens,
        "temperature": 0.0,
        "cache_prompt": True,
    }


class Bare:
    """The engine alone, loaded and waiting."""

    def __init__(self, plan: Plan) -> None:
        self._process = subprocess.Popen(
            bare_argv(plan),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, text: str, tokens: int) -> dict[str, Any]:
        """The answer's `s` (seconds), `timings` and `text`."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101 - asked for above
        assert stdout is not None  # noqa: S101 - asked for above
        stdin.write(json.dumps(chat(text, tokens)) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
