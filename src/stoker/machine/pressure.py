"""Who waits for what: the kernel's pressure files (PSI), which containers and old kernels lack."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stoker.machine.system_files import HERE, Roots, read_text

_SOME = re.compile(
    r"^some avg10=(?P<share>\d{1,3}(?:\.\d{1,9})?) .*\btotal=(?P<total>\d{1,20})\b",
    re.MULTILINE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Pressure:
    """`share` of the last ten seconds, 0 to 1, and seconds in all, in which somebody waited."""

    share: float
    total_s: float


def parse_pressure(text: str) -> Pressure | None:
    """What a pressure file says of those who waited; None if it says nothing of them."""
    found = _SOME.search(text)
    if found is None:
        return None
    return Pressure(min(1.0, float(found["share"]) / 100), int(found["total"]) / 1e6)


def read_pressure(resource: str, roots: Roots = HERE) -> Pressure | None:
    """The waiting for `cpu`, `memory` or `io` on the whole machine; None if untold."""
    return parse_pressure(read_text(roots.proc / "pressure" / resource))
