"""`suggest_runtime`: from needs to local, API or hybrid. Joins the figures, prices and rules.

What is decided is `planning`'s; here is only brought together what it is decided from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from stoker.core.advice import Advice, ApiOption, LocalOption
from stoker.core.judgement import Judgement
from stoker.core.machine import Machine
from stoker.core.needs import Needs, Quality
from stoker.core.power import Power
from stoker.library.compared import compare_command, tried_here
from stoker.library.constraints import ApiTable, Constraints, read_constraints
from stoker.library.machine import power_here
from stoker.machine.facts import read_machine
from stoker.planning.advice.advise import advise
from stoker.planning.advice.situation import Case, Estimate
from stoker.planning.catalogue import build_catalogue
from stoker.planning.rough import estimate_roughly
from stoker.planning.watts import with_watts
from stoker.published.figures import load_losses, load_shapes, load_sizes
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
    checked = read_constraints(given | named)
    if machine is not None:
        return advise_on(checked, machine, here=False)
    return advise_on(checked, read_machine(), power=power_here(Home.find()))


def advise_on(
    constraints: Constraints,
    machine: Machine,
    estimate: Estimate | None = None,
    power: Power | None = None,
    *,
    here: bool = True,
) -> Advice:
    """Advice on checked `constraints`; `estimate` says how models would run on a machine.

    `power` is what was read of `machine`, where it is this one. Of models that were compared on the
    user's tasks, their right answers count everywhere, and where `machine` is this one (`here`)
    what they took and how fast they were too.

    Raises:
        FileMissingError, InvalidRequestError: the file of tasks cannot be read.
    """
    judgement = load_judgement()
    case = Case(
        needs=constraints.to_needs(),
        machine=machine,
        estimate=estimate or rough_estimate(judgement),
        apis=tuple(api_options(constraints, judgement)),
        judgement=judgement,
        costs=with_watts(constraints.costs.to_core(), machine, judgement, power),
        cached_share=constraints.api.cached_share,
        **_on_tasks(constraints.tasks, here=here),
    )
    return advise(case, load_rules())


def _on_tasks(tasks: str | None, *, here: bool) -> dict[str, Any]:
    """What a case has of a file of tasks: who was tried on it, and how to try more."""
    if tasks is None:
        return {}
    home = Home.find()
    tried = tried_here(home, tasks)
    if not here:
        tried = tuple(replace(one, model=replace(one.model, run=None)) for one in tried)
    return {"tasks": True, "tried": tried, "compare_command": compare_command(home, tasks)}


def rough_estimate(judgement: Judgement) -> Estimate:
    """How the catalogue's models would run on a machine, roughly."""
    catalogue = build_catalogue(load_shapes(), load_sizes(), load_losses(), judgement)

    def estimate(needs: Needs, machine: Machine) -> Sequence[LocalOption]:
        return estimate_roughly(catalogue, needs, machine, judgement)

    return estimate


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
