"""A proposal as JSON: the stable keys of `plan --json`.

Sizes are in bytes, times in seconds, rates in tokens a second, money in US dollars. What is not
known is null and named under `missing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from stoker.core.costs import Cost, CostCurve, LocalCosts, MonthlyCost
from stoker.core.estimate import Interval
from stoker.core.machine import Machine
from stoker.core.memory import MemoryNeed
from stoker.core.outcome import Outcome
from stoker.core.proposal import Alternative, Proposal, Resident, Target
from stoker.core.speed import Speed
from stoker.planning.proposal.listing import Row


def describe(resident: Resident, machine: Machine) -> dict[str, Any]:
    """One proposal's keys; of several `models`, with what they take together."""
    if len(resident.proposals) == 1:
        one = describe_one(resident.proposals[0])
        return {**one, "machine": machine.name, "contradiction": _contradiction(resident)}
    return {
        "models": [describe_one(one) for one in resident.proposals],
        "verdict": resident.verdict.value,
        "total_bytes": resident.total_bytes,
        "available_bytes": resident.available_bytes,
        "devices": [asdict(one) for one in resident.devices],
        "machine": machine.name,
        "contradiction": _contradiction(resident),
    }


def _contradiction(resident: Resident) -> dict[str, str] | None:
    error = resident.contradiction
    return None if error is None else {"message": error.message, "hint": error.hint}


def describe_one(proposal: Proposal) -> dict[str, Any]:
    """The keys of one proposal."""
    plan = proposal.plan
    return {
        "model": str(plan.model.ref),
        "source": proposal.source,
        "here": proposal.here,
        "digest": proposal.digest,
        "engine": plan.engine,
        "device": _plain(asdict(proposal.device)),
        "quantization": proposal.quantization,
        "quality": None if proposal.quality is None else asdict(proposal.quality),
        "context": plan.context,
        "slots": plan.slots,
        "threads": plan.threads,
        "kv_type": plan.kv_type,
        "memory": {
            **describe_memory(proposal.need, proposal.available_bytes),
            "devices": [asdict(one) for one in proposal.devices],
        },
        "speed": describe_speed(proposal.speed),
        "targets": [_target(one) for one in proposal.targets],
        "cost": _cost(proposal.cost),
        "verdict": proposal.verdict.value,
        "reasons": [asdict(reason) for reason in proposal.reasons],
        "alternatives": [_alternative(one) for one in proposal.alternatives],
        "changes": [_alternative(one) for one in proposal.changes],
        "fallback": None if proposal.fallback is None else _alternative(proposal.fallback),
        "missing": list(proposal.missing),
        "notes": list(proposal.notes),
        "measured": [_outcome(one) for one in proposal.measured],
    }


def _outcome(one: Outcome) -> dict[str, Any]:
    """One figure of `speed` as it was in earlier runs, beside what had been predicted of them."""
    return {
        "figure": one.figure,
        "measured": one.measured,
        "runs": one.runs,
        "predicted": interval(one.predicted),
        "predicted_by": None if one.predicted is None else one.by.value,
        "inside": one.inside,
        "held": one.held,
    }


def describe_memory(need: MemoryNeed, available_bytes: int) -> dict[str, Any]:
    """What a model takes of all devices, by part, and every piece with its device."""
    return {
        "weights_bytes": need.weights_bytes,
        "kv_bytes": need.kv_bytes,
        "compute_bytes": need.compute_bytes,
        "other_bytes": need.other_bytes,
        "total_bytes": need.total_bytes,
        "available_bytes": available_bytes,
        "source": need.source,
        "parts": [
            {"part": one.part.value, "device": one.device, "bytes": one.size_bytes}
            for one in need.taken
        ],
    }


def describe_speed(speed: Speed) -> dict[str, Any]:
    """The speeds as intervals, and what they are about."""
    figures = (
        "load_s",
        "load_cold_s",
        "ttft_s",
        "prefill_tok_s",
        "decode_tok_s",
        "stream_tok_s",
        "total_tok_s",
        "decode_full_tok_s",
        "stream_full_tok_s",
    )
    return {
        **{name: interval(getattr(speed, name)) for name in figures},
        "prompt_tokens": speed.occasion.prompt_tokens,
        "context_tokens": speed.occasion.context,
        "context_full_tokens": speed.occasion.context_full or None,
        "streams": speed.occasion.streams,
        "source": speed.source.value,
        "sources": {name: source.value for name, source in speed.sources},
        "notes": list(speed.notes),
    }


def describe_rows(
    rows: list[Row], machine: Machine, too_short: Sequence[tuple[str, int]] = ()
) -> dict[str, Any]:
    """What a machine can run, and what was trained for less context than is asked for."""
    return {
        "machine": machine.name,
        "too_short": [{"model": name, "context": tokens} for name, tokens in too_short],
        "models": [
            {
                "model": row.name,
                "parameters": row.parameters,
                "quantization": row.quantization,
                "tier": row.tier and row.tier.value,
                "device": row.device.kind.value,
                "weights_bytes": row.weights_bytes,
                "total_bytes": row.total_bytes,
                "context": row.context,
                "context_tokens": row.speed.occasion.context,
                "verdict": row.verdict.value,
                "decode_tok_s": interval(row.decode_tok_s),
                "decode_full_tok_s": interval(row.speed.decode_full_tok_s),
                "ttft_s": interval(row.ttft_s),
                "decode_source": row.speed.source_of("decode_tok_s").value,
            }
            for row in rows
        ],
    }


def interval(value: Interval | None) -> dict[str, float | None] | None:
    """The three percentiles; one without bound is null."""
    if value is None:
        return None
    return {name: _finite(getattr(value, name)) for name in ("p10", "p50", "p90")}


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None


def _alternative(one: Alternative) -> dict[str, Any]:
    return {**_plain(asdict(one)), "decode_tok_s": interval(one.decode_tok_s)}


def _target(one: Target) -> dict[str, Any]:
    return {**_plain(asdict(one)), "expected": interval(one.expected)}


def _cost(cost: Cost) -> dict[str, Any] | None:
    if cost.local is None and cost.api is None:
        return None
    even, capacity = cost.break_even, cost.capacity
    return {
        "local": _month(cost.local),
        "api": _month(cost.api),
        "api_model": cost.api_reference or None,
        "price_dated": (cost.price and cost.price.dated) or None,
        "volume": None if cost.volume is None else asdict(cost.volume),
        "watts": None if cost.running is None else _watts(cost.running),
        "local_curve": _curve(cost.local_curve),
        "api_curve": _curve(cost.api_curve),
        "break_even_requests_per_day": None if even is None else interval(even.requests_per_day),
        "break_even_reason": None if even is None else even.reason or None,
        "capacity": None if capacity is None else capacity.serves.value,
        "capacity_why": None if capacity is None else capacity.why,
        "latency_why": capacity.latency.why if capacity and capacity.latency else None,
        "utilisation": None if capacity is None else interval(capacity.utilisation),
        "requests_per_day_most": capacity and interval(capacity.requests_per_day_most),
        "missing": list(cost.missing),
    }


def _watts(running: LocalCosts) -> dict[str, Any]:
    return {
        "idle": running.watts_idle,
        "load": running.watts_load,
        "source": running.watts_source.value,
        "note": running.watts_note,
    }


def _curve(curve: CostCurve | None) -> dict[str, Any] | None:
    """Dollars a month: what is fixed, and what each request a day adds."""
    if curve is None:
        return None
    return {"fixed_usd_month": interval(curve.fixed), "each_usd_month": interval(curve.each)}


def _month(cost: MonthlyCost | None) -> dict[str, Any] | None:
    if cost is None:
        return None
    return {
        "total_usd_month": interval(cost.total),
        "known_usd_month": interval(cost.known),
        "usd_per_mtok": interval(cost.usd_per_mtok),
        "parts": {part.name: interval(part.usd) for part in cost.parts},
    }


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(value, "value", value) for name, value in fields.items()}
