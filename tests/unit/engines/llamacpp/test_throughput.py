"""What the timing child is told, and how its words are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import EngineError, InvalidRequestError, LoadFailedError
from stoker.engines.base import Passes
from stoker.engines.llamacpp.throughput import PASSES, launch_throughput, read_passes


def test_the_child_may_read_its_models_and_no_more() -> None:
    launch = launch_throughput({"Q4_0": Path("/m/a"), "F16": Path("/m/b")}, threads=3)
    assert launch.readable == (Path("/m/a"), Path("/m/b"))
    assert launch.spec["models"] == {"Q4_0": "/m/a", "F16": "/m/b"}
    assert launch.spec["threads"] == 3
    assert json.loads(json.dumps(launch.spec)) == launch.spec


@pytest.mark.parametrize("threads", [0, -1, 5000])
def test_a_number_of_threads_that_cannot_be_is_refused(threads: int) -> None:
    with pytest.raises(InvalidRequestError):
        launch_throughput({"F16": Path("a")}, threads=threads)
    with pytest.raises(InvalidRequestError):
        launch_throughput({}, threads=1)


def test_passes_are_read_and_talk_is_not() -> None:
    line = PASSES + json.dumps({"name": "F16", "tokens": 256, "seconds": [0.1, 0.2]})
    assert read_passes(line) == Passes("F16", 256, (0.1, 0.2))
    assert read_passes("ggml: some talk") is None


@pytest.mark.parametrize(("kind", "error"), [("load", LoadFailedError), ("engine", EngineError)])
def test_the_childs_reasons_are_errors(kind: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="because"):
        read_passes(PASSES + json.dumps({"kind": kind, "error": "because"}))


@given(st.text())
def test_whatever_else_it_says_is_an_engine_that_is_not_known(text: str) -> None:
    with pytest.raises(EngineError):
        read_passes(PASSES + text)
