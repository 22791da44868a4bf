"""The verb tells how far it is, and what its failure means."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from stoker.calibrating import calibrate as calibrating
from stoker.cli.main import cli
from stoker.core.errors import CalibrationError, StokerError


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path))


def test_elsewhere_than_on_a_terminal_progress_is_a_plain_line_each_tenth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def calibrate(*_: object, **given: object) -> None:
        step = given["on_step"]
        assert callable(step)
        for done in range(41):
            step(done, 40, "wide-Q8_0")
        raise CalibrationError("nothing")

    monkeypatch.setattr(calibrating, "calibrate", calibrate)
    result = CliRunner().invoke(cli, ["calibrate"])
    lines = [line for line in result.stderr.splitlines() if "%" in line]
    assert [line.split()[0] for line in lines] == [str(tenth) for tenth in range(0, 101, 10)]
    assert "\r" not in result.stderr
    assert "\x1b" not in result.stderr
    assert isinstance(result.exception, CalibrationError)


def test_the_exit_code_means_that_nothing_was_measured_and_nothing_else() -> None:
    def below(kind: type[StokerError]) -> list[type[StokerError]]:
        return [kind, *(one for each in kind.__subclasses__() for one in below(each))]

    same = [one for one in below(StokerError) if one.exit_code == CalibrationError.exit_code]
    assert same == [CalibrationError]
    assert CalibrationError.exit_code == 12
