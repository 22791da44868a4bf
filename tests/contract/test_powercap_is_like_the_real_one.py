"""The made tree of power meters reads as the kernel's own does.

The real one is there on few machines, and mostly root's: elsewhere it is not tried, and says so.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from stoker.machine.power.counting import Count, Reading, Sees, span_between
from stoker.machine.power.rapl import read_rapl
from stoker.machine.system_files import HERE, Roots


@pytest.fixture(params=["made", "real"])
def roots(request: pytest.FixtureRequest, tmp_path: Path) -> Roots:
    if request.param == "real":
        if not read_rapl(HERE)[0]:
            pytest.skip("no power meter can be read here: the real ones are not tried")
        return HERE
    for name, text in (
        ("name", "package-0\n"),
        ("energy_uj", "186412345\n"),
        ("max_energy_range_uj", "262143328850\n"),
    ):
        place = tmp_path / "class" / "powercap" / "intel-rapl:0" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return Roots(tmp_path, tmp_path)


def test_each_meter_counts_within_its_range(roots: Roots) -> None:
    counts, _ = read_rapl(roots)
    assert len({count.meter for count in counts}) == len(counts)
    assert {count.meter.sees for count in counts} & {Sees.PACKAGE, Sees.PLATFORM}
    for count in counts:
        assert count.energy_uj is not None
        assert count.energy_uj_most is None or 0 <= count.energy_uj <= count.energy_uj_most


def test_what_is_drawn_between_two_readings_is_never_below_nothing(roots: Roots) -> None:
    def read(at_s: float) -> tuple[tuple[Count, ...], Reading]:
        counts, unread = read_rapl(roots)
        return counts, Reading(at_s, counts, unread)

    (counts, first), (_, second) = read(0.0), read(1.0)
    found = span_between(first, second)
    assert found is not None
    assert set(found.joules) == {count.meter for count in counts}
    assert all(joules >= 0 for joules in found.joules.values())
