"""How the runs of a model here came out, beside what was predicted of them.

What a written plan promised was kept with its runs. Of other runs nobody had asked, so it is this
machine's calibration that is held against them: it rests on no run of any such model, and the
service need not know it.
"""

from __future__ import annotations

from stoker.core.calibration import Calibration
from stoker.core.errors import CalibrationError
from stoker.core.measurement import LoadMeasured, RunKey, identity_of
from stoker.core.model import ModelFacts
from stoker.core.outcome import Outcome, Run
from stoker.machine.measured.conditions import mark_of
from stoker.planning.speed.calibrated import Calibrated
from stoker.planning.speed.outcomes import Foretold, foretold, outcomes_of
from stoker.planning.speed.work import work_of
from stoker.state.calibrations import load_calibration
from stoker.state.home import Home
from stoker.state.measurements import Measurements

# The last runs say how it is now, and how many are looked at bounds how long a plan takes.
LOADS_MAX, ANSWERS_MAX = 16, 64


def find_outcomes(home: Home, log: Measurements, facts: ModelFacts) -> tuple[Outcome, ...]:
    """The outcomes of the last runs of the model `facts`; none where it never ran here."""
    runs = _recent(log.of(identity_of(facts)))
    if not runs:
        return ()
    calibration = _calibration(home)
    mark = calibration and mark_of(calibration.conditions)

    def foretell(run: Run) -> Foretold:
        if calibration is None or run.key.conditions != mark:
            return {}
        return foretold(run, work_of(facts, run.key.kv_type), _basis(calibration, run.key))

    return outcomes_of(runs, foretell)


def _recent(runs: tuple[Run, ...]) -> list[Run]:
    loads = [one for one in runs if isinstance(one, LoadMeasured)]
    answers = [one for one in runs if not isinstance(one, LoadMeasured)]
    return [*loads[-LOADS_MAX:], *answers[-ANSWERS_MAX:]]


def _basis(calibration: Calibration, key: RunKey) -> Calibrated:
    return Calibrated(calibration, key.threads, key.micro_batch, key.repack, key.kv_type)


def _calibration(home: Home) -> Calibration | None:
    try:
        return load_calibration(home)
    except CalibrationError:  # the plan names that as missing
        return None
