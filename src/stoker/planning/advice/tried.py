"""Models that were tried on the user's own tasks, as options, and whether they are enough.

Pure. A model is enough where the whole interval of its share of right answers lies above what is
wanted, and not enough where the whole interval lies below; between them more tasks would tell.
What a model is trusted with by its size counts only where nobody tried it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from stoker.core.advice import LocalOption, OwnTasks
from stoker.core.comparison import KeptComparison, ModelCompared, TasksMeasured, plain_name
from stoker.core.estimate import Interval
from stoker.core.judgement import Judgement
from stoker.core.machine import Machine
from stoker.core.needs import Needs, Quality
from stoker.core.plan import Verdict
from stoker.core.speed import SpeedSource
from stoker.core.units import MIB
from stoker.planning.catalogue import reaches, tier_of

# Where nobody measured what its process takes: the weights with a little room, and a program.
_PROCESS_BYTES = 512 * MIB
_WEIGHTS_FACTOR = 1.05
_TIGHT = 0.85


@dataclass(frozen=True, slots=True)
class Tried:
    """One model of a comparison on the tasks; `reference` is what its file was made of, if made."""

    model: ModelCompared
    tasks: TasksMeasured
    day: str
    reference: str


def tried_on(kept: Sequence[KeptComparison], digest: str) -> tuple[Tried, ...]:
    """The models that were compared on the file of tasks with that digest, each by its newest.

    `kept` are the oldest first.
    """
    found: dict[tuple[object, ...], Tried] = {}
    for one in reversed(kept):
        if one.tasks is None or one.tasks.digest != digest:
            continue
        for model in one.models:
            if model.tasks is not None:
                key = (model.lineage, model.lineage.name or model.model, model.quantization)
                tried = Tried(model, model.tasks, one.day, one.reference.model)
                found.setdefault(key, tried)
    return tuple(found.values())


def enough(option: LocalOption, share_least: float) -> str | None:
    """Whether `option` answers that share of the tasks right: `yes`, `no`, `unclear`, or not tried.

    By its 95 % interval.
    """
    if option.own is None:
        return None
    if option.own.low >= share_least:
        return "yes"
    return "no" if option.own.high < share_least else "unclear"


def good_enough(option: LocalOption, quality: Quality, share_least: float) -> bool:
    """Whether `option` is expected to do: by the tasks, else by what its size is trusted with."""
    found = enough(option, share_least)
    return found == "yes" or (found != "no" and reaches(option.tier, quality))


def with_tried(
    options: Sequence[LocalOption],
    tried: Sequence[Tried],
    needs: Needs,
    machine: Machine,
    judgement: Judgement,
) -> tuple[LocalOption, ...]:
    """`options` and those that were tried, which take the place of the same model's estimate.

    Where it was not run on `machine`, the estimate stays and only gets the answers. A model whose
    context is shorter than what was stated is no option.
    """
    left = {(one.name, one.quantization.upper()): one for one in options}
    names = [one.name for one in options]
    found = []
    for one in tried:
        if _stated_tokens(needs) <= one.model.context_length:
            key = (_listed(one.model, names) or "", one.model.quantization.upper())
            estimated = left.pop(key, None)
            if estimated is not None and one.model.run is None:
                found.append(replace(estimated, own=_own(one)))
            else:
                found.append(_option(one, needs, machine, judgement))
    return (*left.values(), *found)


def _stated_tokens(needs: Needs) -> int:
    return max(needs.context or 0, (needs.prompt_tokens or 0) + (needs.answer_tokens or 0))


def _listed(model: ModelCompared, names: Iterable[str]) -> str | None:
    """The name of the list that the model's own name begins with, the longest of several."""
    own = f"{model.lineage.name} "
    found = (one for one in names if own.startswith(f"{plain_name(one)} "))
    return max(found, key=len, default=None)


def _option(tried: Tried, needs: Needs, machine: Machine, judgement: Judgement) -> LocalOption:
    model, run = tried.model, tried.model.run
    memory = _memory_bytes(model, needs, judgement)
    prompt = needs.prompt_tokens or judgement.prompt_tokens
    together = None if run is None else _together(run.decode_tok_s, needs.concurrency)
    return LocalOption(
        name=model.model,
        quantization=model.quantization,
        tier=tier_of(model.lineage.parameters, judgement),
        memory_bytes=memory,
        fit=_fit(memory, machine),
        stream_tok_s=together and together.scaled(1 / needs.concurrency),
        total_tok_s=together,
        prefill_tok_s=None if run is None else run.prefill_tok_s,
        ttft_s=None if run is None else run.prefill_tok_s.inverse().scaled(prompt),
        speed_source=SpeedSource.UNKNOWN if run is None else SpeedSource.MEASURED,
        own=_own(tried),
    )


def _own(tried: Tried) -> OwnTasks:
    tasks, model = tried.tasks, tried.model
    made_of = tried.reference if model.made else ""
    return OwnTasks(tasks.right, tasks.total, tasks.low, tasks.high, tried.day, made_of)


def _memory_bytes(model: ModelCompared, needs: Needs, judgement: Judgement) -> int:
    """What its process took with one slot, and the cache of what is needed beyond that."""
    if model.run is None:
        return int(model.file_bytes * _WEIGHTS_FACTOR) + _PROCESS_BYTES
    prompt = needs.prompt_tokens or judgement.prompt_tokens
    answer = needs.answer_tokens or judgement.answer_tokens
    wanted = needs.context or max(judgement.context, prompt + answer)
    context = min(wanted, model.context_length)
    more = max(0, context * needs.concurrency - model.run.context)
    return model.run.memory_bytes + more * model.run.kv_bytes_per_token


def _together(alone: Interval, streams: int) -> Interval:
    """All answers at a time: nobody measured it, so at worst as one, at best each as one alone."""
    return Interval(alone.p10, alone.p50, alone.p90 * streams)


def _fit(memory_bytes: int, machine: Machine) -> Verdict:
    free = machine.memory_available_bytes
    if memory_bytes <= free:
        return Verdict.FITS if memory_bytes <= _TIGHT * free else Verdict.TIGHT
    never = memory_bytes > machine.memory_total_bytes
    return Verdict.CAN_NEVER_FIT if never else Verdict.DOES_NOT_FIT_NOW
