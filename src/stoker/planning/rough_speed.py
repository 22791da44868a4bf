"""Speeds of one model from the machine's bandwidth alone, for machines that nobody calibrated.

Pure. Wide on purpose: the shares are those of `rough`. A speed whose figures nobody has stays
unknown, and so do load times.
"""

from __future__ import annotations

from stoker.core.machine import Machine
from stoker.core.model import ModelFacts
from stoker.core.plan import Plan
from stoker.core.speed import Occasion, Speed, SpeedSource
from stoker.planning.rough import decode_speed, prefill_speed, together


def rough_speed(facts: ModelFacts, plan: Plan, machine: Machine, occasion: Occasion) -> Speed:
    """The speeds of `plan` on the processor of `machine`."""
    active = facts.parameters_active or facts.parameters
    share = active / facts.parameters if facts.parameters else 1.0
    bandwidth = machine.measured.read_bytes_s_all
    alone = decode_speed(facts.file_bytes * share, bandwidth) if facts.file_bytes else None
    prefill = prefill_speed(active, machine) if active else None
    if alone is None and prefill is None:
        return Speed(occasion, SpeedSource.UNKNOWN)
    total = alone and together(alone, occasion.streams)
    return Speed(
        occasion,
        SpeedSource.PUBLISHED,
        ttft_s=prefill and prefill.inverse().scaled(occasion.prompt_tokens),
        prefill_tok_s=prefill,
        decode_tok_s=alone,
        stream_tok_s=total and total.scaled(1 / occasion.streams),
        total_tok_s=total,
        notes=(f"of {plan.model.ref}: from the memory's bandwidth; `stoker calibrate` tells more",),
    )
