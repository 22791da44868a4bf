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
from stoker.core.machine import Gpu, Machine
from stoker.core.needs import Needs
from stoker.library.constraints import ApiTable, Constraints, read_constraints
from stoker.machine.facts import read_machine
from stoker.planning.advice.advise import advise
from stoker.planning.advice.situation import Case, Estimate, with_assumed_watts
from stoker.planning.catalogue import build_catalogue
from stoker.planning.rough import estimate_roughly
from stoker.published.figures import load_losses, load_shapes, load_sizes
from stoker.published.judgement import load_judgement
from stoker.published.prices import find_price, near_names
from stoker.published.rules import load_rules


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
    """
    given = _stated(constraints) if isinstance(constraints, Needs) else dict(constraints or {})
    return advise_on(read_constraints(given | named), machine)


def _stated(needs: Needs) -> dict[str, Any]:
    """What is not as it is where nobody stated anything."""
    unstated = Needs()
    return {name: one for name, one in asdict(needs).items() if one != getattr(unstated, name)}


def advise_on(
    constraints: Constraints, machine: Machine | None = None, estimate: Estimate | None = None
) -> Advice:
    """Advice on checked `constraints`; `estimate` says how models would run on a machine.

    `machine` is another than this one. Of this one the GPUs are read and said not to be used: the
    engine that is installed computes on the processor.
    """
    judgement = load_judgement()
    machine, idle = (machine, ()) if machine is not None else _this_machine()
    case = Case(
        needs=constraints.to_needs(),
        machine=machine,
        estimate=estimate or rough_estimate(judgement),
        apis=tuple(api_options(constraints, judgement)),
        judgement=judgement,
        costs=with_assumed_watts(constraints.costs.to_core(), machine, judgement, idle),
        cached_share=constraints.api.cached_share,
        tasks=constraints.tasks is not None,
        unstated=constraints.unstated,
        gpus_idle=idle,
    )
    advice = advise(case, load_rules())
    return replace(advice, missing=(*advice.missing, *_unread(machine)))


def _this_machine() -> tuple[Machine, tuple[Gpu, ...]]:
    """This machine as the installed engine uses it, and its GPUs, which that does not use."""
    found = read_machine(gpus=True)
    return replace(found, gpus=()), found.gpus


def _unread(machine: Machine) -> Iterator[str]:
    return (f"a GPU ({reason})" for reason in machine.unread)


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
