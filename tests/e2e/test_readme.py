"""The README's session works line by line, in a home that is empty."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
DEADLINE_S = 60


@dataclass(frozen=True)
class Step:
    """One command or script, and what it should print, `...` standing for anything."""

    kind: str
    text: str
    expected: str


def steps() -> Iterator[Step]:
    for kind, body in BLOCK.findall(README.read_text()):
        if kind == "python":
            yield Step(kind, body, "...")
            continue
        for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            yield Step(kind, command, expected.strip())


def pattern(expected: str) -> re.Pattern[str]:
    """`expected` as a pattern: `...` is anything, also across lines; runs of blanks are one."""
    quoted = re.escape(re.sub(r"[ \t]+", " ", expected))
    return re.compile(quoted.replace(r"\.\.\.", ".*").replace(r"\ ", r"[ \t]+"), re.DOTALL)


class Session:
    """A shell of one person: the same home and port from the first line to the last."""

    def __init__(self, home: Path, port: int) -> None:
        scripts = str(Path(sys.executable).parent)
        self.environment = {
            **os.environ,
            "STOKER_HOME": str(home),
            "PATH": os.pathsep.join([scripts, os.environ["PATH"]]),
        }
        self.port = port
        self.folder = home.parent
        self.services: list[subprocess.Popen[str]] = []

    def run(self, step: Step) -> str:
        text = step.text.replace("8707", str(self.port))
        if text.rstrip().endswith("&"):
            self._serve(text.rstrip(" &"))
            return ""
        argv = [sys.executable, "-c", text] if step.kind == "python" else ["bash", "-c", text]
        done = subprocess.run(
            argv,
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _serve(self, command: str) -> None:
        service = subprocess.Popen(
            [*shlex.split(command), "--port", str(self.port)],
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.services.append(service)
        assert service.stderr is not None
        assert "listens on" in service.stderr.readline()

    def close(self) -> None:
        for service in self.services:
            service.terminate()
            service.communicate(timeout=DEADLINE_S)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Session(tmp_path / "home", port)
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.timeout(180)
def test_each_line_of_the_session_does_what_the_readme_shows(session: Session) -> None:
    done = 0
    for step in steps():
        printed = session.run(step)
        assert pattern(step.expected).fullmatch(printed), f"{step.text}\n{printed}"
        done += 1
    assert done >= 10
    assert session.services[0].wait(DEADLINE_S) == 0
