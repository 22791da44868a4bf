"""What of a plan's file this machine can honour: its device, its memory, and what it promises.

Pure, but that it asks which engine is installed. What cannot be honoured is refused; what differs
and can be lived with is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stoker.core.errors import NotEnoughMemoryError, PlanElsewhereError
from stoker.core.machine import Machine
from stoker.core.plan import DeviceKind, Plan, Verdict
from stoker.core.units import format_bytes
from stoker.engines.registry import engine_version, find_engine
from stoker.library.plan_files.plan_file import ModelTable, PlanFile
from stoker.planning.proposal.counting import count_plainly
from stoker.planning.proposal.fitting import judge, room_of, say_verdict

# A machine's memory as its kernel tells it differs a little from one start to the next.
SAME_MEMORY = 0.02
# A plan that takes this much more than its file says was edited after it was counted.
EDITED = 1.25
_AGAIN = "plan it again on this machine with `stoker plan --write`"


def refuse_devices(file: PlanFile) -> None:
    """Return where the engines here compute on every device that is planned with.

    Raises:
        PlanElsewhereError: one does not.
    """
    for table in file.model:
        devices = find_engine(table.engine).devices
        if DeviceKind(table.device) not in devices:
            raise PlanElsewhereError(
                f"{table.name} is planned for {table.device}, and {table.engine}, as it is "
                f"installed here, computes on {' and '.join(sorted(devices))} alone",
                hint=_AGAIN,
            )


def refuse_what_never_fits(file: PlanFile, plans: Sequence[Plan], machine: Machine) -> None:
    """Return where `plans`, those of `file`, could be loaded together if nobody else were here.

    Raises:
        NotEnoughMemoryError: they could not.
    """
    need_bytes, room = _memory_bytes(file, plans), room_of(machine)
    if (verdict := judge(need_bytes, room)) is Verdict.CAN_NEVER_FIT:
        raise NotEnoughMemoryError(
            f"The plan can never fit here: it takes {say_verdict(verdict, need_bytes, room)}",
            hint=_AGAIN,
        )


def warnings(file: PlanFile, plans: Sequence[Plan], machine: Machine) -> Iterator[str]:
    """What a person should know before `plans`, those of `file`, run on `machine`."""
    if elsewhere := "; ".join(differences(file, machine)):
        yield (
            f"the plan was made elsewhere ({elsewhere}): what it predicts does not hold here; "
            f"{_AGAIN}"
        )
    need_bytes, room = _memory_bytes(file, plans), room_of(machine)
    if (verdict := judge(need_bytes, room)) is Verdict.DOES_NOT_FIT_NOW:
        yield f"the plan does not fit now: it takes {say_verdict(verdict, need_bytes, room)}"


def differences(file: PlanFile, machine: Machine) -> tuple[str, ...]:
    """Where `file` says another machine or engine than there is here; empty where it says none."""
    return tuple(_differences(file, machine))


def _differences(file: PlanFile, machine: Machine) -> Iterator[str]:
    planned = file.machine
    if planned.cpu and planned.cpu != machine.cpu:
        yield f"{planned.cpu}, here {machine.cpu or 'another processor'}"
    if planned.cores and planned.cores != machine.cores:
        yield f"{planned.cores} cores, here {machine.cores}"
    memory_bytes, here_bytes = planned.memory_total_bytes, machine.memory_total_bytes
    if memory_bytes and abs(memory_bytes - here_bytes) > SAME_MEMORY * memory_bytes:
        yield f"{format_bytes(memory_bytes)} of memory, here {format_bytes(here_bytes)}"
    engine = engine_version()
    if file.made_by and engine not in file.made_by.split(", "):
        yield f"made by {file.made_by}, here {engine}"


def _memory_bytes(file: PlanFile, plans: Sequence[Plan]) -> int:
    """What `plans` take together."""
    return sum(_takes_bytes(*one) for one in zip(file.model, plans, strict=True))


def _takes_bytes(table: ModelTable, plan: Plan) -> int:
    """What the file says that a plan takes; by formula where it says nothing, or far too little.

    Settings that were changed by hand take what they take.
    """
    told = 0 if table.memory is None else table.memory.total_bytes
    counted = count_plainly(plan).total_bytes
    return told if counted <= EDITED * told else counted
