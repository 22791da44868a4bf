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
from stoker.core.machine import Machine
from stoker.core.needs import Needs, Quality
from stoker.library.compared import compare_command, tried_here
from stoker.library.constraints import ApiTable, Constraints, read_constraints
from stoker.library.surroundings import Surroundings, survey
from stoker.planning.advice.advise import advise
from stoker.planning.advice.situation import Case, Estimate
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
    `contradiction`, not an error, where the needs cannot be met together.

    Example:
        >>> suggest_runtime(data="mixed", operations="weak").answer
        <Answer.HYBRID: 'hybrid'>

    Raises:
        InvalidRequestError: a name or a value that is not a need's.
        FileMissingError: there is no such file of tasks.
    """
    given = asdict(constraints) if isinstance(constraints, Needs) else dict(constraints or {})
    around = survey(Home.find(), machine, gpus=False)
    return advise_on(read_constraints(given | named), around)


def advise_on(constraints: Constraints, around: Surroundings) -> Advice:
    """Advice on checked `constraints` for the machine of `around`.

    Of models that were compared on the user's tasks, their right answers count everywhere; what
    they took and how fast they were, where the machine is this one.

    Raises:
        FileMissingError, InvalidRequestError: the file of tasks cannot be read.
    """
    judgement = load_judgement()
    case = Case(
        needs=constraints.to_needs(),
        machine=around.machine,
        estimate=local_options(around),
        apis=tuple(api_options(constraints, judgement)),
        judgement=judgement,
        costs=with_watts(constraints.costs.to_core(), around.machine, judgement, around.power),
        cached_share=constraints.api.cached_share,
        **_on_tasks(constraints.tasks, around),
    )
    advice = advise(case, load_rules())
    return replace(advice, missing=(*advice.missing, *around.missing))


def _on_tasks(tasks: str | None, around: Surroundings) -> dict[str, Any]:
    """What a case has of a file of tasks: who was tried on it, and how to try more."""
    if tasks is None:
        return {}
    tried = tried_here(around.home, tasks)
    if around.elsewhere:
        tried = tuple(replace(one, model=replace(one.model, run=None)) for one in tried)
    return {"tasks": True, "tried": tried, "compare_command": compare_command(around.home, tasks)}


def local_options(around: Surroundings) -> Estimate:
    """How the catalogue's models would run on a machine that is like the one of `around`."""
    judgement = load_judgement()

    @cache
    def weighed(needs: Needs, machine: Machine) -> Sequence[LocalOption]:
        return weigh(around.catalogue, needs, machine, around.estimate, gpus=around.elsewhere)

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
    """The endpoint that somebody chose: unless we judged it, it is taken to be good enough."""
    today = datetime.now(UTC).date()
    price = api.price() or find_price(model, prompt_tokens=prompt_tokens, on=today)
    tiers = {one.reference: one.tier for one in judgement.api_models}
    return ApiOption(
        model,
        tiers.get(model, Quality.FRONTIER),
        price,
        judgement.api_ttft_s,
        judgement.api_tok_s,
        near_names(model) if price is None else (),
    )
