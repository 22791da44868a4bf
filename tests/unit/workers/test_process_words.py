"""Exits in words, memory in bytes, and an environment without our keys."""

import os
import sys
from pathlib import Path

import pytest

from stoker.engines.base import Launch
from stoker.workers.environment import environment_for, policy_for
from stoker.workers.process import describe_exit, memory_of


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "ended with status 0"),
        (3, "ended with status 3"),
        (-9, "killed by SIGKILL"),
        (-11, "killed by SIGSEGV"),
        (-250, "killed by signal 250"),
    ],
)
def test_an_exit_is_told_in_words(status: int, words: str) -> None:
    assert describe_exit(status) == words


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_read_in_bytes_and_a_dead_process_has_none() -> None:
    resident, peak = memory_of(os.getpid())
    assert 1_000_000 < resident <= peak
    assert memory_of(2**22 + 1) == (0, 0)


def test_a_key_in_our_environment_never_reaches_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOKER_API_KEY", "secret")
    launch = Launch("json", {}, (), {"GGML_NO_BACKTRACE": "1"})
    given = environment_for(launch)
    assert given["GGML_NO_BACKTRACE"] == "1"
    assert "secret" not in given.values()


def test_the_cage_allows_the_models_file_and_not_its_folder(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    model.touch()
    policy = policy_for(Launch("json", {}, (model,)), tmp_path / "run", 64)
    assert str(model.resolve()) in policy.readable
    assert str(tmp_path.resolve()) not in policy.readable
    assert policy.writable == (str(tmp_path / "run"),)
