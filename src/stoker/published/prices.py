"""Dated prices of models behind APIs, from the package `genai-prices` as it is installed.

It holds its data; nothing is fetched. Imported when the first price is asked for, because that
takes a quarter of a second. A price that it does not know is None, with near names.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time
from datetime import date as Date  # noqa: N812 - a type, named like the others
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from stoker.core.costs import ApiPrice

_PACKAGE = "genai-prices"
_NOON = time(12, tzinfo=UTC)
# The data have no date of their own; their remarks say when a page of prices was last looked at.
_CHECKED = re.compile(
    r"(?:checked|verified|as of|accessed|confirmed)[^.;()]{0,40}?(20\d\d-\d\d-\d\d)", re.IGNORECASE
)
_REFERENCE_CHARACTERS = 128


def find_price(reference: str, *, prompt_tokens: int, on: Date) -> ApiPrice | None:
    """The price of `reference`, `provider/model` or `model`, for prompts of that length on a day.

    Where a price changes with the hour, that of noon (UTC). None when the package does not know
    the model, or neither price of it.
    """
    found = _find(reference)
    if found is None:
        return None
    provider, model = found
    prices = model.get_prices(datetime.combine(on, _NOON))
    figures = [
        _dollars(getattr(prices, name, None), prompt_tokens)
        for name in ("input_mtok", "output_mtok", "cache_read_mtok")
    ]
    if figures[0] is None and figures[1] is None:
        return None
    return ApiPrice(
        reference=f"{provider.id}/{model.id}",
        input_usd_mtok=figures[0],
        output_usd_mtok=figures[1],
        cached_input_usd_mtok=figures[2],
        dated=checked_until(provider, model),
        source=f"{_PACKAGE} {version(_PACKAGE)}",
        note=_note(model),
    )


def near_names(reference: str, count: int = 3) -> tuple[str, ...]:
    """References that are spelled like `reference`, the nearest first."""
    text = reference[:_REFERENCE_CHARACTERS].lower()
    pool = [f"{provider.id}/{model.id}" for provider, model in _models()]
    if "/" not in text:
        pool += [model.id for _, model in _models()]
    return tuple(difflib.get_close_matches(text, dict.fromkeys(pool), n=count, cutoff=0.6))


def checked_until(provider: Any, model: Any) -> str:
    """The last day on which the package says that a price was looked at; empty for none.

    By the model's own remark, else by the one on all of its provider's prices: another's says
    nothing of this one.
    """
    for remark in (model.price_comments, provider.price_comments):
        if days := _CHECKED.findall(remark or ""):
            return str(max(days))
    return ""


def _snapshot() -> Any:
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - slow to import

    return get_snapshot()


def _models() -> Iterator[tuple[Any, Any]]:
    return ((provider, model) for provider in _snapshot().providers for model in provider.models)


def _find(reference: str) -> tuple[Any, Any] | None:
    if len(reference) > _REFERENCE_CHARACTERS:
        return None
    provider, slash, model = reference.partition("/")
    pair = (model, provider) if slash else (reference, None)
    try:
        found: tuple[Any, Any] = _snapshot().find_provider_model(pair[0], None, pair[1], None)
    except LookupError:
        return None
    return found


def _dollars(price: Any, prompt_tokens: int) -> float | None:
    """One price; where it rises with the prompt's length, the one for `prompt_tokens`."""
    if price is None or isinstance(price, Decimal | int | float):
        return None if price is None else float(price)
    reached = [tier.price for tier in price.tiers if prompt_tokens > tier.start]
    return float(reached[-1] if reached else price.base)


def _note(model: Any) -> str:
    from genai_prices.types import ConditionalPrice, TimeOfDateConstraint  # noqa: PLC0415

    entries = model.prices if isinstance(model.prices, list) else []
    by_hour = any(
        isinstance(entry, ConditionalPrice) and isinstance(entry.constraint, TimeOfDateConstraint)
        for entry in entries
    )
    return "changes with the hour; this is the price at noon UTC" if by_hour else ""
