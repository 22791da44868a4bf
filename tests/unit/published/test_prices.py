"""Prices come from the installed package, dated, and what it does not know is None."""

from __future__ import annotations

import socket
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from stoker.published.judgement import load_judgement
from stoker.published.prices import checked_until, find_price, near_names

DAY = date(2026, 11, 26)


def test_a_known_model_has_its_prices_and_their_date() -> None:
    price = find_price("openai/gpt-4o", prompt_tokens=1000, on=DAY)
    assert price is not None
    assert price.reference == "openai/gpt-4o"
    assert 0 < price.cached_input_usd_mtok < price.input_usd_mtok < price.output_usd_mtok
    assert price.source.startswith("genai-prices ")
    day = datetime.fromisoformat(price.dated).replace(tzinfo=UTC)
    assert datetime(2026, 1, 1, tzinfo=UTC) < day <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("model", "provider", "day"),
    [
        ("Verified 2026-01-02; checked 2026-03-04.", "checked 2026-10-10", "2026-03-04"),
        ("Batch is half the price.", "All prices checked 2026-05-06", "2026-05-06"),
        (None, "Nothing is said of a day: 2026-05-06", ""),
        (None, None, ""),
    ],
)
def test_the_date_is_the_models_own_else_its_providers_else_none(
    model: str | None, provider: str | None, day: str
) -> None:
    found = checked_until(
        SimpleNamespace(price_comments=provider), SimpleNamespace(price_comments=model)
    )
    assert found == day


def test_a_model_of_which_nobody_says_when_has_no_date_of_another() -> None:
    """Most models of the package have no remark on a day: theirs must not be the newest of all."""
    dated = find_price("openai/gpt-4o", prompt_tokens=1000, on=DAY)
    undated = find_price("groq/llama-3.1-8b-instant", prompt_tokens=1000, on=DAY)
    assert dated is not None
    assert undated is not None
    assert (bool(dated.dated), undated.dated) == (True, "")


def test_a_model_is_found_without_its_provider() -> None:
    price = find_price("gpt-4o", prompt_tokens=1000, on=DAY)
    assert price is not None
    assert price.reference == "openai/gpt-4o"


@pytest.mark.parametrize(
    "reference", ["openai/gpt-99", "nobody/gpt-4o", "nonsense", "", "/", "a/b/c", "x" * 4096]
)
def test_what_is_not_known_is_none(reference: str) -> None:
    assert find_price(reference, prompt_tokens=1000, on=DAY) is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("openai/gpt4o", "openai/gpt-4o"), ("gpt5-mini", "gpt-5-mini"), ("qqqqqqqq", None)],
)
def test_near_names_are_told(typed: str, meant: str | None) -> None:
    assert meant is None or meant in near_names(typed)
    assert meant is not None or near_names(typed) == ()


def test_a_price_that_rises_with_the_prompt_is_the_one_for_this_prompt() -> None:
    short, long = (
        find_price("google/gemini-2.5-pro", prompt_tokens=tokens, on=DAY)
        for tokens in (1000, 500_000)
    )
    assert short is not None
    assert long is not None
    assert short.input_usd_mtok < long.input_usd_mtok


def test_every_endpoint_that_the_judgement_proposes_has_a_price() -> None:
    for model in load_judgement().api_models:
        price = find_price(model.reference, prompt_tokens=1000, on=DAY)
        assert price is not None
        assert price.reference == model.reference
        assert None not in {price.input_usd_mtok, price.output_usd_mtok}


def test_the_proposed_endpoints_cost_more_where_more_is_expected() -> None:
    def dearest(tier: str) -> float:
        found = [
            find_price(model.reference, prompt_tokens=1000, on=DAY)
            for model in load_judgement().api_models
            if model.tier == tier
        ]
        return max(price.output_usd_mtok for price in found)

    assert dearest("basic") < dearest("better") < dearest("frontier")


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert find_price("anthropic/claude-sonnet-4-5", prompt_tokens=1000, on=DAY) is not None
