"""`stoker machine`: this one, another, and the list; nothing is really measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stoker.cli.machine import command
from stoker.core.errors import FileMissingError, NotFoundError
from stoker.core.machine import Backend, Gpu, Machine, Measured
from stoker.core.units import GIB
from stoker.machine.document import document_of, machine_of
from stoker.machine.presets import presets

HERE = Machine(
    cores=1,
    memory_total_bytes=4 * GIB,
    memory_available_bytes=3 * GIB,
    name="here",
    cpu="Some CPU",
    threads=4,
    quota_cores=1.5,
    features=("avx2", "fma"),
    numa_nodes=2,
    memory_limit_bytes=4 * GIB,
    swap_total_bytes=2 * GIB,
    swap_free_bytes=GIB,
    memory_pressure=0.125,
    disk_free_bytes=10 * GIB,
    gpus=(
        Gpu(
            "NVIDIA GB10",
            Backend.CUDA,
            4 * GIB,
            3 * GIB,
            others_bytes=GIB,
            driver="580.1",
            compute_capability="12.1",
            integrated=True,
            bandwidth_bytes_s=273e9,
        ),
    ),
    unread=("GPU 1: GPU is lost",),
    power_meters=("processor package (package-0)",),
    power_unread=("GPU 1: GPU is lost", "psys: it shows no number"),
    measured=Measured(
        read_bytes_s_one=1.25e10,
        matmul_ops_s=(("Q4_0", 4.2e11),),
        taken_unix_s=1_700_000_000,
        spread=(("read_one", 0.04),),
        missing=(("disk_read", "no space"),),
        contention=0.6,
    ),
)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the verb asked for."""
    asked: dict[str, Any] = {}

    def measured(_: object, *, on_step: Callable[[str], None], **given: Any) -> Machine:
        asked.update(given)
        on_step("memory")
        return HERE

    monkeypatch.setattr("stoker.library.machine.measured_machine", measured)
    return asked


def call(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments), catch_exceptions=True)


def test_everything_known_is_on_the_page() -> None:
    page = call().stdout
    for words in (
        "here",
        "Some CPU",
        "1 usable, 4 threads, limited to 1.5 by the control group, 2 NUMA nodes",
        "avx2 fma",
        "3 GiB available of 4 GiB, the control group's limit is 4 GiB",
        "waited for it 12% of the time",
        "1 GiB free of 2 GiB",
        "10 GiB free for models",
        "NVIDIA GB10, 3 GiB free of 4 GiB, the machine's own memory, others use 1 GiB",
        "cuda 12.1, driver 580.1, peak 273 GB/s",
        "12.5 GB/s       4%",
        "420 Gop/s",
        "not measured: no space",
        "can be read of processor package (package-0): less than the whole machine draws",
        "cannot be read: psys: it shows no number",
    ):
        assert words in page


def test_warnings_go_to_the_other_stream(here: dict[str, Any]) -> None:
    done = call("--fresh")
    assert here["fresh"] is True
    assert "GPU is lost" in done.stderr
    assert "60% of the time of measuring" in done.stderr
    assert "warning" not in done.stdout
    assert "reading memory" not in done.stderr  # progress is for terminals


def test_the_json_is_a_machine_that_can_be_read_back(tmp_path: Path) -> None:
    done = call("--json")
    assert machine_of(json.loads(done.stdout)) == HERE
    path = tmp_path / "it.json"
    path.write_text(done.stdout)
    assert call("--preset", str(path), "--json").stdout == done.stdout


def test_a_preset_is_shown_with_its_source(here: dict[str, Any]) -> None:
    page = call("--preset", "rtx-4090").stdout
    assert "24 GiB" in page
    assert "1008 GB/s" in page
    assert "source" in page
    assert "assumed" in page
    assert here == {}
    preset = next(one for one in presets() if one.name == "rtx-4090")
    assert json.loads(call("--preset", "rtx-4090", "--json").stdout) == document_of(preset.machine)


def test_the_list_names_every_preset() -> None:
    table = call("--list-presets").stdout.splitlines()
    assert [line.split()[0] for line in table[1:]] == [one.name for one in presets()]
    rows = json.loads(call("--list-presets", "--json").stdout)
    assert [row["name"] for row in rows] == [one.name for one in presets()]
    assert all(row["source"] for row in rows)


def test_what_is_neither_a_preset_nor_a_file_is_an_error() -> None:
    assert isinstance(call("--preset", "nothing").exception, NotFoundError)
    assert isinstance(call("--preset", "./nothing.json").exception, FileMissingError)
