"""What the cage says of itself: nothing is applied, or left out, in silence.

The mechanisms themselves bind the process for good; tests/process/test_cage.py runs them.
"""

import os
from collections.abc import Callable

import pytest

from stoker.workers import sandbox
from stoker.workers.cage import read_line
from stoker.workers.policy import CagePolicy, CageReport, Mechanism

POLICY = CagePolicy("json", os.getppid(), ("/model",), ("/src",), ("/run/w",), 64)


def steps(*made: tuple[str, Callable[[CagePolicy], str]]) -> tuple[sandbox.Step, ...]:
    return made


def test_a_policy_survives_the_pipe() -> None:
    assert CagePolicy.from_line(POLICY.to_line()) == POLICY


def test_a_policy_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(TypeError):
        CagePolicy.from_line(POLICY.to_line().replace(b'"parent"', b'"patent"'))


def test_a_report_survives_the_pipe() -> None:
    report = CageReport((Mechanism("a", applied=True, detail="x"),))
    assert CageReport.from_line(report.to_line()) == report
    assert CageReport.from_line("hello") is None


def test_a_refused_mechanism_is_reported_with_its_reason_and_the_next_still_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(_: CagePolicy) -> str:
        raise PermissionError(1, "Operation not permitted")

    def foreign(_: CagePolicy) -> str:
        raise sandbox.NotOnThisPlatformError

    made = steps(("one", refused), ("two", foreign), ("three", lambda _: "held"))
    monkeypatch.setattr(sandbox, "STEPS", made)
    report = sandbox.apply(POLICY)
    assert report.mechanisms == (
        Mechanism("one", applied=False, detail="Operation not permitted"),
        Mechanism("two", applied=False, detail="not available on this platform"),
        Mechanism("three", applied=True, detail="held"),
    )
    assert [one.name for one in report.missing] == ["one", "two"]


def test_an_orphan_does_not_become_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "STEPS", (sandbox.STEPS[-1],))
    monkeypatch.setattr(sandbox, "_prctl", lambda *_: None)
    monkeypatch.setattr(os, "getppid", lambda: 1)
    with pytest.raises(sandbox.ParentGoneError):
        sandbox.apply(CagePolicy("json", 2, (), (), (), 64))


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_another_platform_says_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr(sandbox.sys, "platform", platform)
    linux_only = tuple(step for step in sandbox.STEPS if step[0] != "limits")
    monkeypatch.setattr(sandbox, "STEPS", linux_only)
    report = sandbox.apply(POLICY)
    assert len(report.missing) == len(linux_only)
    assert {one.detail for one in report.missing} == {"not available on this platform"}


def test_reading_the_policy_takes_no_byte_of_the_next_line() -> None:
    read, write = os.pipe()
    os.write(write, b"first\nsecond\n")
    os.close(write)
    assert read_line(read) == b"first"
    assert os.read(read, 100) == b"second\n"
    with pytest.raises(EOFError):
        read_line(read)
    os.close(read)
