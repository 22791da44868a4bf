"""What a step takes besides weights makes tiny models as slow as they were measured to be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stoker.core.machine import Measured
from stoker.core.speed import Occasion, SpeedSource
from stoker.library.judging.published_speeds import uncalibrated_bases
from stoker.models.catalogue import starter
from stoker.planning.speed.estimate import estimate_speed
from stoker.planning.speed.work import Attention, Work, work_of
from stoker.testing.machines import MACHINES

WORK = Work((), 20, 1024, 1000, (Attention(20, 16, 128, 512),))
# The starter model's tokens a second by how many tokens lay behind; one thread of a machine that
# reads about 33 GB/s with it (AMD EPYC, 2 cores). Beside other programs it was 727 at 640.
MEASURED = [(90, 2581.0), (139, 2364.0), (370, 1719.0), (529, 1507.0), (683, 1336.0), (640, 727.0)]
MACHINE = replace(MACHINES["unmeasured"], measured=Measured(read_bytes_s_one=33e9))


@pytest.mark.parametrize(("past", "tok_s"), MEASURED)
@pytest.mark.parametrize("source", [SpeedSource.PUBLISHED, SpeedSource.ROUGH])
def test_the_interval_has_the_starters_measured_speed(
    past: int, tok_s: float, source: SpeedSource
) -> None:
    bases = [one for one in uncalibrated_bases(MACHINE, 1) if one.source is source]
    speed = estimate_speed(work_of(starter().facts), bases, Occasion(context=past))
    assert speed.source is source
    assert speed.decode_tok_s is not None
    assert tok_s in speed.decode_tok_s
