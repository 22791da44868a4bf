"""What importing brings along: no slow library, as a fresh interpreter sees it."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
ARRAYS = ("numpy", "gguf", "xllamacpp")
ALL_VERBS = """
import click
from stoker.cli.main import VERBS, cli
for verb in VERBS: cli.get_command(click.Context(cli), verb)
"""
SERVICE_AND_SOURCES = """
import stoker.app, stoker.models.sources.opening, stoker.models.sources.hub
"""
HELP_FOR_COMPARE = """
from stoker.cli.compare import command
try: command(["--help"])
except SystemExit: pass
"""


@pytest.mark.parametrize(
    ("code", "never"),
    [
        ("import stoker.models.facts", ARRAYS),
        ("import stoker.models.checkpoint.folder, stoker.cli.show", (*ARRAYS, "aiohttp")),
        ("import stoker.published.prices", ("genai_prices",)),
        (
            "import stoker.workers.state, stoker.workers.limits, stoker.workers.policy",
            ("aiohttp", "asyncio"),
        ),
        (HELP_FOR_COMPARE, (*ARRAYS, "pydantic", "asyncio")),
        (
            ALL_VERBS + SERVICE_AND_SOURCES,
            ("huggingface_hub", "httpx"),
        ),
    ],
    ids=["facts", "checkpoint", "prices", "pure-workers", "compare-help", "all-verbs"],
)
def test_no_slow_library_comes_along(code: str, never: tuple[str, ...]) -> None:
    asking = f"{code}\nimport sys\nsys.exit(repr(set({never!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", asking], capture_output=True, text=True, check=False, timeout=50
    )
    assert done.stderr.strip() == "set()"
