"""Broken model files through the real child: each ends in the error that says what is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stoker.core.errors import (
    ModelFileEmptyError,
    ModelFileError,
    ModelFileGarbageError,
    ModelFileMissingError,
    ModelFileTruncatedError,
    StokerError,
    UnsupportedArchitectureError,
    VocabularyOnlyError,
)
from stoker.core.model import LocalModel, ModelFacts, ModelRef, Task
from stoker.core.plan import Plan
from stoker.engines.llamacpp.adapter import LlamaCppEngine
from stoker.testing.broken import KINDS, write_broken

pytestmark = [pytest.mark.engine, pytest.mark.slow]
ENGINE = LlamaCppEngine()
FACTS = ModelFacts("llama", 1, "Q8_0", 1, 2048, 2, 256, 1024, Task.GENERATE, chat_template=True)
EXPECTED: dict[str, type[StokerError]] = {
    "missing": ModelFileMissingError,
    "empty": ModelFileEmptyError,
    "garbage": ModelFileGarbageError,
    "truncated": ModelFileTruncatedError,
    "unsupported_architecture": UnsupportedArchitectureError,
    "vocabulary_only": VocabularyOnlyError,
}
SEEN_BY_THE_ENGINE = sorted(set(KINDS) - set(EXPECTED))


def explained(path: Path, folder: Path) -> StokerError:
    """What becomes of loading `path` without the check before it."""
    plan = Plan(LocalModel(ModelRef("m"), path, FACTS), "llamacpp", 256, 1, 1)
    launch = ENGINE.launch(plan, folder / "e.sock")
    command = [sys.executable, "-m", launch.module]
    environment = {**os.environ, **launch.environment}
    # Its input stays open until it has ended: a child whose parent leaves does not load at all.
    with (
        (folder / "stderr").open("w+b") as words,
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=words, env=environment) as child,
    ):
        assert child.stdin is not None
        child.stdin.write(json.dumps(launch.spec).encode() + b"\n")
        child.stdin.flush()
        assert child.wait(30) == 1
    tail = (folder / "stderr").read_text(errors="replace").splitlines()[-100:]
    return ENGINE.explain_failure(plan, tail)


@pytest.mark.parametrize("kind", EXPECTED)
def test_the_engines_words_become_the_error_that_fits(tmp_path: Path, kind: str) -> None:
    error = explained(write_broken(tmp_path / "bad.gguf", kind), tmp_path)
    assert type(error) is EXPECTED[kind], error.message
    assert error.message.startswith("bad.gguf: ")


@pytest.mark.parametrize("kind", SEEN_BY_THE_ENGINE)
def test_any_other_broken_file_is_a_model_file_error_too(tmp_path: Path, kind: str) -> None:
    error = explained(write_broken(tmp_path / "bad.gguf", kind), tmp_path)
    assert isinstance(error, ModelFileError), error.message
