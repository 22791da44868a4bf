"""The processor's meters are found in the kernel's tree, each once, and what is closed is named."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import pytest

from stoker.machine.power.counting import Count, Meter, Reading, Sees, span_between
from stoker.machine.power.rapl import read_rapl
from stoker.machine.system_files import Roots

Plant = Callable[[Mapping[str, str]], Roots]
AT = "sys/class/powercap"
LAPTOP = {
    f"{AT}/intel-rapl/enabled": "1\n",
    f"{AT}/intel-rapl:0/name": "package-0\n",
    f"{AT}/intel-rapl:0/energy_uj": "186412345\n",
    f"{AT}/intel-rapl:0/max_energy_range_uj": "262143328850\n",
    f"{AT}/intel-rapl:0:0/name": "core\n",
    f"{AT}/intel-rapl:0:0/energy_uj": "100\n",
    f"{AT}/intel-rapl:0:1/name": "uncore\n",
    f"{AT}/intel-rapl:0:1/energy_uj": "20\n",
    f"{AT}/intel-rapl:0:2/name": "dram\n",
    f"{AT}/intel-rapl:0:2/energy_uj": "555\n",
    f"{AT}/intel-rapl:0:2/max_energy_range_uj": "65712999613\n",
    f"{AT}/intel-rapl:1/name": "psys\n",
    f"{AT}/intel-rapl:1/energy_uj": "999\n",
    f"{AT}/intel-rapl:1/max_energy_range_uj": "262143328850\n",
    f"{AT}/intel-rapl-mmio:0/name": "package-0\n",
    f"{AT}/intel-rapl-mmio:0/energy_uj": "186412345\n",
}
PACKAGE = Meter(Sees.PACKAGE, "package-0")


def test_packages_their_memory_and_the_platform_are_meters(plant: Plant) -> None:
    counts, unread = read_rapl(plant(LAPTOP))
    assert counts == (
        Count(PACKAGE, 186412345, 262143328850),
        Count(Meter(Sees.MEMORY, "package-0 memory"), 555, 65712999613),
        Count(Meter(Sees.PLATFORM, "psys"), 999, 262143328850),
    )
    assert unread == ()


def test_two_sockets_are_two_meters(plant: Plant) -> None:
    files = {
        f"{AT}/intel-rapl:{at}/{name}": text
        for at in (0, 1)
        for name, text in (("name", f"package-{at}"), ("energy_uj", "7"))
    }
    counts, _ = read_rapl(plant(files))
    assert [count.meter.name for count in counts] == ["package-0", "package-1"]
    assert {count.energy_uj_most for count in counts} == {None}


@pytest.mark.skipif(os.geteuid() != 0, reason="root reads what is closed by its mode")
def test_root_reads_what_is_closed_to_others(plant: Plant) -> None:
    roots = plant(LAPTOP)
    for place in roots.sys.rglob("energy_uj"):
        place.chmod(0o400)
    assert len(read_rapl(roots)[0]) == 3


def test_what_only_root_may_read_is_said_once_with_what_opens_it(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = plant(LAPTOP)

    def closed(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("stoker.machine.power.rapl._energy_uj", closed)
    counts, unread = read_rapl(roots)
    assert counts == ()
    (reason,) = unread
    assert "only root may read" in reason
    assert "chmod a+r" in reason


@pytest.mark.parametrize("text", ["", "none\n", "-5\n", "1.5\n"])
def test_a_meter_without_a_number_is_named_and_hides_no_other(plant: Plant, text: str) -> None:
    counts, unread = read_rapl(plant({**LAPTOP, f"{AT}/intel-rapl:1/energy_uj": text}))
    assert [count.meter.sees for count in counts] == [Sees.PACKAGE, Sees.MEMORY]
    assert unread == ("psys: it shows no number",)


def test_a_meter_whose_files_a_container_hides_is_named(plant: Plant) -> None:
    roots = plant({f"{AT}/other": ""})
    (roots.sys / "class/powercap/intel-rapl:0").symlink_to("../../devices/masked")
    counts, unread = read_rapl(roots)
    assert counts == ()
    assert unread == ("intel-rapl:0: No such file or directory",)


def test_a_system_without_meters_says_so(plant: Plant) -> None:
    nothing = plant({})
    assert "virtual machines" in read_rapl(nothing)[1][0]
    (nothing.sys / "class/powercap").mkdir(parents=True)
    (reason,) = read_rapl(nothing)[1]
    assert reason.startswith("no power meter of the processor")
    file = plant({"sys/class/thermal": ""})
    (file.sys / "class/powercap").rmdir()
    (file.sys / "class/powercap").write_text("")
    assert "cannot be read" in read_rapl(file)[1][0]


def test_a_meter_that_disappears_tells_nothing_and_the_others_go_on(plant: Plant) -> None:
    roots = plant(LAPTOP)
    before = Reading(0.0, *read_rapl(roots))
    (roots.sys / "class/powercap/intel-rapl:1/energy_uj").unlink()
    (roots.sys / "class/powercap/intel-rapl:0/energy_uj").write_text("187412345\n")
    after = Reading(1.0, *read_rapl(roots))
    assert after.unread == ("psys: No such file or directory",)
    found = span_between(before, after)
    assert found is not None
    assert {meter.name for meter in found.joules} == {"package-0", "package-0 memory"}
    assert found.joules[PACKAGE] == pytest.approx(1.0)
