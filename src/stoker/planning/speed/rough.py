"""Speeds of one model from the machine's bandwidth alone, for machines that nobody calibrated.

Pure. Wide on purpose: the shares are those of `rough`. A speed whose figures nobody has stays
unknown, and so do load times.
"""

from __future__ import annotations

from stoker.core.estimate import Interval
from stoker.core.machine import Machine
from stoker.core.plan import Device, Plan
from stoker.core.speed import Occasion, Speed, SpeedSource
from stoker.planning.rough import decode_speed, prefill_speed, together


def rough_speed(plan: Plan, device: Device, machine: Machine, occasion: Occasion) -> Speed:
    """The speeds of `plan` on `device` of `machine`."""
    facts = plan.model.facts
    active = facts.parameters_active or facts.parameters
    read = facts.file_bytes * active / facts.parameters if facts.parameters else 0.0
    alone = _decode(read, device, machine) if read else None
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
        notes=("from the memory's bandwidth alone",),
    )


def _decode(read_bytes: float, device: Device, machine: Machine) -> Interval | None:
    """Each device reads its share of the layers, one after the other."""
    share = device.gpu_layers / device.layers if device.layers else 0.0
    gpu = None if device.gpu is None else machine.gpus[device.gpu].bandwidth_bytes_s
    own = machine.measured.read_bytes_s_all or machine.memory_peak_bytes_s
    parts = [(share, gpu), (1.0 - share, own)]
    found = [decode_speed(part * read_bytes, rate) for part, rate in parts if part > 0]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    total = known[0].inverse()
    for one in known[1:]:
        total = total + one.inverse()
    return total.inverse()
