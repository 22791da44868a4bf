"""`suggest_runtime`: from needs to local, API or hybrid. Joins the figures, prices and rules.

What is decided is `planning`'s; here is only brought together what it is decided from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from stoker.core.advice import Advice, ApiOption, LocalOption
from stoker.core.judgement import Judgement
from stoker.core.machine import Gpu, Machine
from stoker.core.needs import Needs
from stoker.library.judging.compared import compare_command, tried_here
from stoker.library.judging.constraints import ApiTable, Constraints, read_constraints
from stoker.library.judging.surroundings import Surroundings, survey
from stoker.planning.advice.advise import advise
from stoker.planning.advice.situation import Case, EstimateOptions
from stoker.planning.proposal.weighing import sizing, weigh
from stoker.planning.watts import with_watts
from stoker.published.judgement import load_judgement
from stoker.published.prices import find_price, near_names
from stoker.published.rules import load_rules
from stoker.state.home import Home


def suggest_runtime(
    constraints: Needs | Mapping[str, Any] | None = None,
    /,
    *,
    machine: Machine | None = None,
    **named: Any,
) -> Advice:
    """Where to run a model, with reasons: here, at an API, or some of both.

    `constraints` are needs, or a mapping with the names of a needs file; `named` are the same
    as keywords, and win. `machine` is this one unless another is given. The answer is
    `contradiction`, not an error, where the needs cannot be met together. Where nothing says where
    data may go, `data_note` says that this was assumed, and the answer if data had to stay.

    Example:
        >>> suggest_runtime(data="mixed", operations="weak").answer
        <Answer.HYBRID: 'hybrid'>

    Raises:
        InvalidRequestError: a name or a value that is not a need's.
        FileMissingError: there is no such file of tasks.
    """
    given = _stated(constraints) if isinstance(constraints, Needs) else dict(constraints or {})
    return advise_on(read_constraints(given | named), survey(Home.find(), machine))


def _stated(needs: Needs) -> dict[str, Any]:
    """What is not as it is where nobody stated anything."""
    unstated = Needs()
    return {name: one for name, one in asdict(needs).items() if one != getattr(unstated, name)}


def advise_on(constraints: Constraints, around: Surroundings) -> Advice:
    """Advice on checked `constraints` for the machine of `around`.

    GPUs of this machine are said not to be used: the engine that is installed computes on the
    processor. Of models that were compared on the user's tasks, their right answers count
    everywhere; what they took and how fast they were, where the machine is this one.

    Raises:
        FileMissingError, InvalidRequestError: the file of tasks cannot be read.
    """
    judgement = load_judgement()
    machine, idle = _used(around)
    case = Case(
        needs=constraints.to_needs(),
        machine=machine,
        estimate=local_options(around),
        apis=tuple(api_options(constraints, judgement)),
        judgement=judgement,
        costs=with_watts(constraints.costs.to_core(), around.machine, judgement, around.power),
        cached_share=constraints.api.cached_share,
        unstated=constraints.unstated,
        endpoint_named=constraints.api.model is not None,
        gpus_idle=idle,
        **_on_tasks(constraints.tasks, around),
    )
    advice = advise(case, load_rules())
    unread = (f"a GPU ({reason})" for reason in around.machine.unread)
    return replace(advice, missing=(*advice.missing, *around.missing, *unread))


def _used(around: Surroundings) -> tuple[Machine, tuple[Gpu, ...]]:
    """The machine as the engine uses it, and the GPUs that it has and that are not used."""
    if around.elsewhere:
        return around.machine, ()
    return replace(around.machine, gpus=()), around.machine.gpus


def _on_tasks(tasks: str | None, around: Surroundings) -> dict[str, Any]:
    """What a case has of a file of tasks: who was tried on it, and how to try more."""
    if tasks is None:
        return {}
    tried = tried_here(around.home, tasks)
    if around.elsewhere:
        tried = tuple(replace(one, model=replace(one.model, run=None)) for one in tried)
    return {"tasks": True, "tried": tried, "compare_command": compare_command(around.home, tasks)}


def local_options(around: Surroundings) -> EstimateOptions:
    """How the catalogue's models would run on a machine that is like the one of `around`.

    All GPUs of the machine that is asked about are used.
    """
    judgement = load_judgement()

    @cache
    def weighed(needs: Needs, machine: Machine) -> Sequence[LocalOption]:
        return weigh(around.catalogue, needs, machine, around.estimate, gpus=True)

    # Advice asks again and again with other needs, most of which change nothing of this.
    return lambda needs, machine: weighed(sizing(needs, judgement), machine)


def api_options(constraints: Constraints, judgement: Judgement) -> Iterator[ApiOption]:
    """The endpoint that was named, or those that the judgement proposes, with their prices."""
    prompt = constraints.prompt_tokens or judgement.prompt_tokens
    if constraints.api.model is not None:
        yield _named(constraints.api, constraints.api.model, prompt, judgement)
        return
    today = datetime.now(UTC).date()
    for model in judgement.api_models:
        price = find_price(model.reference, prompt_tokens=prompt, on=today)
        yield ApiOption(
            model.reference, model.tier, price, judgement.api_ttft_s, judgement.api_tok_s
        )


def _named(api: ApiTable, model: str, prompt_tokens: int, judgement: Judgement) -> ApiOption:
    """The endpoint that somebody chose; whether it is good enough is known only if we judged it."""
    today = datetime.now(UTC).date()
    price = api.price() or find_price(model, prompt_tokens=prompt_tokens, on=today)
    tiers = {one.reference: one.tier for one in judgement.api_models}
    return ApiOption(
        model,
        tiers.get(model),
        price,
        judgement.api_ttft_s,
        judgement.api_tok_s,
        near_names(model) if price is None else (),
    )
