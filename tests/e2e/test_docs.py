"""The examples in the documents work as they are written, in a home that is empty."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(json|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`([a-z]+\.jsonl)`")
DEADLINE_S = 100


def steps(text: str) -> list[tuple[str, str]]:
    """Commands and what they should print, `...` standing for anything."""
    parts = [
        part.partition("\n")
        for kind, body in BLOCK.findall(text)
        if kind == "console"
        for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]
    ]
    return [(command, expected.strip()) for command, _, expected in parts]


def pattern(expected: str) -> re.Pattern[str]:
    """`expected` as a pattern: `...` is anything, also across lines; runs of blanks are one."""
    quoted = re.escape(re.sub(r"\s+", " ", expected))
    return re.compile(quoted.replace(r"\.\.\.", ".*").replace(r"\ ", r"\s+"), re.DOTALL)


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", ["compare.md", "plan.md"])
def test_each_example_does_what_the_page_shows(name: str, tmp_path: Path) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    shown = [body for kind, body in BLOCK.findall(text) if kind == "json"]
    for file, body in zip(FILE.findall(text), shown, strict=False):
        (tmp_path / file).write_text(body, encoding="utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "STOKER_HOME": str(tmp_path / "home"), "PATH": path}
    found = steps(text)
    assert found
    for command, expected in found:
        argv = ["bash", "-c", command]
        done = subprocess.run(
            argv,
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert pattern(expected).fullmatch(done.stdout.strip()), f"{command}\n{done.stdout}"
