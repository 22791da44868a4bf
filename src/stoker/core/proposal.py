"""What planning says of one model on one machine: how to run it, if it fits, how fast, and why.

The plan itself is in `plan`; a set of plans that live together is a `Resident`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from stoker.core.costs import Cost
from stoker.core.errors import ContradictoryNeedsError
from stoker.core.estimate import Interval
from stoker.core.losses import QuantizationLoss
from stoker.core.memory import DeviceMemory, MemoryNeed
from stoker.core.outcome import Outcome
from stoker.core.plan import Device, Plan, Verdict
from stoker.core.speed import Speed


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one thing is as it is; `about` is a stable word for programs: `verdict`, `context`."""

    about: str
    say: str


class ChangeKind(StrEnum):
    """What of a plan is different."""

    SLOTS = "slots"
    KV_TYPE = "kv_type"
    CONTEXT = "context"
    SEVERAL = "several"
    QUANTIZATION = "quantization"
    MODEL = "model"
    DEVICE = "device"
    API = "api"


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another way to run it, or something else to run; None where a figure is not known.

    `value` is what to ask for instead (`Q4_K_M`, `2048`, a model's name). `source` says where the
    bytes come from. `weights_bytes` and `total_bytes` are of the whole, on all devices. `loss` says
    in words what `quality` knows of its loss, where it is another quantization.
    """

    kind: ChangeKind
    value: str
    say: str
    verdict: Verdict | None = None
    weights_bytes: int | None = None
    total_bytes: int | None = None
    decode_tok_s: Interval | None = None
    loss: str = ""
    source: str = ""
    quality: QuantizationLoss | None = None


class Met(StrEnum):
    """Whether a speed is what somebody wanted."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"  # its interval holds both
    UNKNOWN = "unknown"  # nobody can tell the speed


@dataclass(frozen=True, slots=True)
class Target:
    """One speed that somebody wants, by the name of the need: seconds at most, or tokens a second.

    `expected` is what the plan is expected to reach, None where nobody can tell.
    """

    name: str
    wanted: float
    expected: Interval | None
    met: Met
    say: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """How to run one model, and what is known of it.

    `source` is what names the model to `stoker pull` or `stoker serve`; `here` says that its file
    lies on this machine. `devices` are those that the plan takes memory of; `available_bytes` is
    what may be taken of all of them together now, within the budget, and `spare_bytes` what should
    stay free there. `targets` are the speeds that were wanted. `changes` are those that would make
    it fit, the smallest first; empty where it fits. `missing` names the figures that nobody could
    tell. `quality` is what is known of the quantization's loss, `measured` how earlier runs of the
    model here came out.
    """

    plan: Plan
    source: str
    quantization: str
    need: MemoryNeed
    device: Device
    verdict: Verdict
    available_bytes: int
    spare_bytes: int
    speed: Speed
    here: bool = True
    devices: tuple[DeviceMemory, ...] = ()
    targets: tuple[Target, ...] = ()
    quality: QuantizationLoss | None = None
    cost: Cost = field(default_factory=Cost)
    reasons: tuple[Reason, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    changes: tuple[Alternative, ...] = ()
    fallback: Alternative | None = None
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    measured: tuple[Outcome, ...] = ()

    @property
    def digest(self) -> str | None:
        """The digest of the model's file, where it is known."""
        return self.plan.model.facts.digest


@dataclass(frozen=True, slots=True)
class Resident:
    """Several models that are loaded at a time; each proposal's verdict is that of its place.

    Models are placed in their order: one that would take the set over what is available does not
    fit, whatever it would do alone. `total_bytes` is what they take of all `devices`, and
    `available_bytes` what may be taken of these together, within the budget. `contradiction` is
    why no plan meets the stated needs, to be raised once the plan was shown.
    """

    proposals: tuple[Proposal, ...]
    total_bytes: int
    available_bytes: int
    verdict: Verdict
    contradiction: ContradictoryNeedsError | None = None

    @property
    def devices(self) -> tuple[DeviceMemory, ...]:
        """What all of them take of each device, and what was available before the first."""
        found: dict[str, DeviceMemory] = {}
        for one in (one for proposal in self.proposals for one in proposal.devices):
            first = found.get(one.device, replace(one, taken_bytes=0))
            taken = first.taken_bytes + one.taken_bytes
            found[one.device] = replace(first, taken_bytes=taken)
        return tuple(found.values())
