"""What was measured is kept in one private file, and used while it holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.machine import Machine, Measured
from stoker.machine.measured.cache import load_measured, save_measured, with_measured
from stoker.machine.measured.conditions import conditions_of

MACHINE = Machine(4, 1 << 30, 1 << 29, cpu="A")
MEASURED = Measured(
    read_bytes_s_one=1e10,
    matmul_ops_s=(("Q4_0", 2e11),),
    taken_unix_s=5,
    conditions=conditions_of(MACHINE, "engine 1"),
    missing=(("disk_read", "no space"),),
    contention=0.02,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "machine.json"


def test_it_is_read_back_and_its_owners_alone(path: Path) -> None:
    path.write_text("older, and open to others")
    path.chmod(0o644)
    save_measured(path, MEASURED)
    assert load_measured(path) == MEASURED
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["machine.json"]


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_measured(path, MEASURED)
    monkeypatch.setattr("stoker.files.disk.os.fsync", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_measured(path, Measured())
    assert load_measured(path) == MEASURED
    assert len(list(path.parent.iterdir())) == 1


def test_under_the_same_conditions_it_holds(path: Path) -> None:
    save_measured(path, MEASURED)
    now = replace(MACHINE, memory_available_bytes=1)
    assert with_measured(now, path, "engine 1") == (replace(now, measured=MEASURED), ())


def test_under_others_it_is_not_given(path: Path) -> None:
    save_measured(path, MEASURED)
    assert with_measured(MACHINE, path, "engine 2") == (MACHINE, ("engine",))


def test_one_that_was_disturbed_is_given_with_a_reason_once_the_machine_is_calm(
    path: Path,
) -> None:
    disturbed = replace(MEASURED, contention=0.9)
    save_measured(path, disturbed)
    known = replace(MACHINE, measured=disturbed)
    assert with_measured(MACHINE, path, "engine 1", waiting=0.0) == (known, ("contention",))
    assert with_measured(MACHINE, path, "engine 1", waiting=0.9) == (known, ())


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"{}x",
        b"\xff" * 10,
        b'{"load": 1}',
        b" " * 300_000,
        b'{"read_bytes_s_all": 0}',
        b'{"contention": 1' + b"0" * 400 + b"}",
    ],
)
def test_a_file_that_cannot_be_understood_is_as_good_as_none(
    path: Path, data: bytes | None
) -> None:
    if data is not None:
        path.write_bytes(data)
    assert with_measured(MACHINE, path, "engine 1") == (MACHINE, ("nothing measured",))
