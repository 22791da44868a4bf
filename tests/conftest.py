"""Services as processes, and models for them; every service that a test starts is ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stoker.testing.running import COMMAND, STUB_SERVICE, RunningService
from stoker.testing.synthetic import write_model

StartService = Callable[..., RunningService]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose greedy answers are as long as they may be."""
    return write_model(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[StartService]:
    """`start_service("starter", ...)`: `stoker serve` on a free port in a home of its own."""
    started: list[RunningService] = []

    def start(*arguments: str, home: Path | None = None, **environment: str) -> RunningService:
        command = [COMMAND, "serve", "--port", "0", "--threads", "1", *arguments]
        folder = home or tmp_path / f"home{len(started)}"
        started.append(RunningService(command, folder, environment))
        return started[-1]

    yield start
    for service in started:
        service.end()


@pytest.fixture
def start_stub_service(tmp_path: Path) -> Iterator[StartService]:
    """`start_stub_service(behaviour={...})`: the service over the stub engine."""
    started: list[RunningService] = []

    def start(**document: Any) -> RunningService:
        command = [*STUB_SERVICE, json.dumps(document)]
        started.append(RunningService(command, tmp_path / f"stub{len(started)}"))
        return started[-1]

    yield start
    for service in started:
        service.end()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[RunningService]:
    """One service for a whole module, with the starter and the tiny model."""
    home = tmp_path_factory.mktemp("home") / "stoker"
    command = [COMMAND, "serve", "--port", "0", "--threads", "1", "starter"]
    running = RunningService([*command, f"tiny={tiny_model}"], home)
    yield running
    running.end()
