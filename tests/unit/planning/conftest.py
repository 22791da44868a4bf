"""Cases for advice whose prices never change: the shipped rules and figures, fixed endpoints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stoker.core.advice import Advice, ApiOption
from stoker.core.costs import ApiPrice, LocalCosts
from stoker.core.machine import Machine
from stoker.core.needs import Needs, Quality
from stoker.library.judging.advising import local_options
from stoker.library.judging.surroundings import survey
from stoker.planning.advice.advise import advise
from stoker.planning.advice.situation import Case
from stoker.planning.watts import with_watts
from stoker.published.judgement import load_judgement
from stoker.published.rules import load_rules
from stoker.state.home import Home
from stoker.testing.machines import MACHINES

PRICES = {
    Quality.BASIC: (0.10, 0.40),
    Quality.GOOD: (0.25, 2.00),
    Quality.BETTER: (1.00, 5.00),
    Quality.FRONTIER: (8.00, 40.00),
}
MakeCase = Callable[..., Case]
Advise = Callable[..., Advice]


@pytest.fixture(scope="session")
def apis() -> tuple[ApiOption, ...]:
    judgement = load_judgement()
    return tuple(
        ApiOption(
            f"maker/{tier}",
            tier,
            ApiPrice(f"maker/{tier}", *prices, dated="2026-11-26", source="given"),
            judgement.api_ttft_s,
            judgement.api_tok_s,
        )
        for tier, prices in PRICES.items()
    )


@pytest.fixture(scope="session")
def make_case(apis: tuple[ApiOption, ...]) -> MakeCase:
    """`make_case(needs, machine, costs=...)` with the shipped judgement and catalogue."""
    judgement = load_judgement()
    estimate = local_options(survey(Home(Path("/none")), MACHINES["laptop"]))

    def make(
        needs: Needs,
        machine: Machine | str = "laptop",
        *,
        costs: LocalCosts | None = None,
        endpoints: tuple[ApiOption, ...] | None = None,
        **more: Any,
    ) -> Case:
        computer = MACHINES[machine] if isinstance(machine, str) else machine
        return Case(
            needs=needs,
            machine=computer,
            estimate=more.pop("estimate", estimate),
            apis=apis if endpoints is None else endpoints,
            judgement=judgement,
            costs=with_watts(costs or LocalCosts(), computer, judgement),
            **more,
        )

    return make


@pytest.fixture(scope="session")
def advised(make_case: MakeCase) -> Advise:
    """`advised(needs, machine, ...)` by the shipped rules."""

    def ask(*arguments: Any, **options: Any) -> Advice:
        return advise(make_case(*arguments, **options), load_rules())

    return ask
