"""The models of the catalogue as advice weighs them: counted, placed and estimated like plans.

Pure. What needs leave open is filled with what the judgement assumes, so that advice and a list of
what a machine can run speak of the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from stoker.core.advice import LocalOption
from stoker.core.judgement import Judgement
from stoker.core.machine import Machine
from stoker.core.needs import Needs
from stoker.planning.catalogue import Entry
from stoker.planning.defaults import CONTEXT_MIN, SLOTS_MAX, Wishes
from stoker.planning.proposal.choosing import Asked
from stoker.planning.proposal.listing import Row, list_published
from stoker.planning.proposal.question import EstimateSpeed, Question
from stoker.planning.proposal.well_known import model_of


def sizing(needs: Needs, judgement: Judgement) -> Needs:
    """The part of `needs` that memory and speed depend on; what is open is as judged."""
    prompt = needs.prompt_tokens or judgement.prompt_tokens
    answer = needs.answer_tokens or judgement.answer_tokens
    context = needs.context or max(judgement.context, prompt + answer)
    return Needs(
        prompt_tokens=prompt,
        answer_tokens=answer,
        concurrency=needs.concurrency,
        context=max(context, CONTEXT_MIN),
    )


def slots_for(needs: Needs) -> int:
    """Places for as many answers at a time as needed, or for as many as an engine has."""
    return min(needs.concurrency, SLOTS_MAX)


def weigh(
    catalogue: Sequence[Entry],
    needs: Needs,
    machine: Machine,
    estimate: EstimateSpeed,
    *,
    gpus: bool,
) -> tuple[LocalOption, ...]:
    """Each model of `catalogue` on `machine`, for needs as `sizing` has them; `gpus` may be used.

    A model that was made for shorter contexts than the one that is needed is left out.
    """
    asked = Asked(Wishes(slots=slots_for(needs)), needs)
    fit = [one for one in catalogue if asked.is_within(one.shape.context_length)]
    if not fit:
        return ()
    question = Question(
        model=model_of(fit[0]),
        source="",
        quantization=fit[0].quantization,
        machine=machine,
        asked=asked,
        estimate=estimate,
        here=False,
        gpus=gpus,
    )
    return tuple(_option(row, needs) for row in list_published(question, fit))


def _option(row: Row, needs: Needs) -> LocalOption:
    total = row.speed.total_tok_s
    return LocalOption(
        name=row.name,
        quantization=row.quantization,
        tier=row.tier,
        memory_bytes=row.total_bytes,
        fit=row.verdict,
        device=row.device.kind.value,
        stream_tok_s=total and total.scaled(1 / needs.concurrency),
        total_tok_s=total,
        prefill_tok_s=row.speed.prefill_tok_s,
        ttft_s=row.speed.ttft_s,
        speed_source=row.speed.source_of("total_tok_s"),
    )
