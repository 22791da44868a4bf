"""What is to be run on this machine, whoever chose it: a person by options, or a written plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stoker.core.model import ModelRef
from stoker.core.plan import Plan
from stoker.core.speed import Speed
from stoker.models.pinning import Pin


@dataclass(frozen=True, slots=True)
class Execution:
    """Plans, and what a written plan says besides.

    `pins` are the files whose digests were compared, by model. `predicted` has what the file says
    of the speeds; nothing where it speaks of another machine. `warnings` are for a person.
    """

    plans: tuple[Plan, ...]
    pins: Mapping[ModelRef, tuple[Pin, ...]] = field(default_factory=dict)
    predicted: Mapping[ModelRef, Speed] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
