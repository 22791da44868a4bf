"""Why a plan is as it is, in sentences with their figures. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from stoker.core.plan import Device, DeviceKind
from stoker.core.proposal import Proposal, Reason
from stoker.core.speed import SpeedSource
from stoker.core.units import format_bytes
from stoker.planning.defaults import CONTEXT_DEFAULT, CONTEXT_UNKNOWN, ONE_THREAD_BYTES
from stoker.planning.proposal.choosing import SLOTS_DEFAULT, what_is_cut
from stoker.planning.proposal.counting import ENGINE, FILE_SIZE
from stoker.planning.proposal.fitting import say_verdict
from stoker.planning.proposal.placing import Placed
from stoker.planning.proposal.question import Question
from stoker.planning.quality import describe_loss

_SOURCES = {
    ENGINE: "the engine counted weights, KV cache and compute itself, without taking them",
    "formula": "counted by formula: the engine was not asked",
    FILE_SIZE: "only the file's size is known, so it takes more than is shown",
}
_SPEEDS = {
    SpeedSource.MEASURED: "measured with this model on this machine",
    SpeedSource.CALIBRATION: "from this machine's calibration",
    SpeedSource.PUBLISHED: "from makers' figures and published speeds of like devices",
    SpeedSource.ROUGH: "rough, from how fast memory is read: the interval is wide",
    SpeedSource.UNKNOWN: "unknown",
}


def reasons_for(question: Question, proposal: Proposal, placed: Placed) -> tuple[Reason, ...]:
    """The reasons of everything that `proposal` decides."""
    return tuple(_reasons(question, proposal, placed))


def say_source(source: SpeedSource) -> str:
    """Whose measurements speeds rest on, in words."""
    return f"speeds {_SPEEDS[source]}"


def _reasons(question: Question, proposal: Proposal, placed: Placed) -> Iterator[Reason]:
    plan, need = proposal.plan, proposal.need
    name, room = placed.main
    where = "" if name == "cpu" else f"on {_whose(proposal, name)}, "
    verdict = say_verdict(proposal.verdict, need.of(device=name), room)
    if taken := sum(question.taken.values()):
        verdict += f", after {format_bytes(taken)} for the models before it"
    yield Reason("verdict", where + verdict)
    yield Reason("memory", _SOURCES[need.source])
    yield Reason("device", _device(question, proposal))
    yield Reason("quantization", describe_loss(question.loss(proposal.quantization)))
    yield Reason("context", _context(question, proposal))
    yield Reason("slots", _slots(question, proposal))
    yield Reason("threads", _threads(question, proposal))
    if plan.kv_type != "f16":
        yield Reason("kv_type", f"the KV cache in {plan.kv_type}, as asked for")
    notes = "".join(f"; {note}" for note in proposal.speed.notes)
    yield Reason("speed", f"{say_source(proposal.speed.source)}{notes}")
    for target in proposal.targets:
        yield Reason("target", target.say)


def _whose(proposal: Proposal, device: str) -> str:
    """The name of one GPU, with its number where the plan takes several."""
    name = next((one.name for one in proposal.devices if one.device == device), "")
    return f"{device} ({name})" if len(proposal.device.shares) > 1 else name


def _divided(device: Device) -> str:
    """How several GPUs divide the layers, one after the other."""
    if len(device.shares) < 2:
        return ""
    parts = ", ".join(f"{one.layers} on gpu{one.gpu}" for one in device.shares)
    return f" ({parts}; a token goes through one after the other)"


def _device(question: Question, proposal: Proposal) -> str:
    device, gpus = proposal.device, question.machine.gpus
    if device.kind is DeviceKind.GPU:
        how = "; an estimate, not the engine's"
        return f"all {device.layers} layers fit on {device.name}{_divided(device)}{how}"
    if device.kind is DeviceKind.SPLIT:
        return (
            f"{device.gpu_layers} of {device.layers} layers fit on {device.name}{_divided(device)},"
            " the others stay with the processor; an estimate, not the engine's"
        )
    if gpus and not question.gpus:
        return f"the engine installed here computes on the processor, {gpus[0].name} or not"
    return "no layer fits on the GPU" if gpus else "the machine has no GPU that could be read"


def _context(question: Question, proposal: Proposal) -> str:
    plan, trained = proposal.plan, proposal.plan.model.facts.context_length
    of = f", of the {trained} that the model was trained for" if trained else ""
    if question.asked.context is not None:
        how = "as asked for"
    elif question.asked.context_least == plan.context:
        how = "what the stated prompt and answer take"
    elif plan.context < min(trained or CONTEXT_UNKNOWN, CONTEXT_DEFAULT):
        how = f"less than the usual {CONTEXT_DEFAULT}, so that {_all_fit(question)}"
    else:
        how = "what a usual conversation takes"
    cut = what_is_cut(plan, question.asked)
    return f"{plan.context} tokens for each slot: {how}{of}{cut and f'; {cut}'}"


def _slots(question: Question, proposal: Proposal) -> str:
    count = proposal.plan.slots
    words = "one answer at a time" if count == 1 else f"{count} answers at a time"
    how = "the usual number"
    if question.asked.slots is not None:
        how = "as asked for"
    elif count < SLOTS_DEFAULT:
        how = f"and not the usual {SLOTS_DEFAULT}, so that {_all_fit(question)}"
    return f"{words}, {how}"


def _all_fit(question: Question) -> str:
    models = question.asked.shared_by
    return f"all {models} models fit" if models > 1 else "it fits"


def _threads(question: Question, proposal: Proposal) -> str:
    threads, asked, cores = (
        proposal.plan.threads,
        question.asked,
        question.machine.performance_cores,
    )
    if asked.wishes.threads is not None:
        return f"{threads}, as asked for"
    if proposal.plan.model.facts.file_bytes < ONE_THREAD_BYTES:
        return f"{threads}: threads of so small a model would mostly wait for each other"
    if asked.shared_by > 1:
        return f"{threads} of {cores} cores: {asked.shared_by} models share them"
    if slow := question.machine.efficiency_cores:
        said = f"{threads}: one for each performance core"
        return f"{said}; the {slow} efficiency cores would set the pace"
    return f"{threads}: one for each physical core"
