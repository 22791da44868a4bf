"""What a step takes on a processor beside reading and multiplying weights.

Pure. Each layer costs a little for its many small operations, and attention costs something for
each head and token: of a tiny model, or after a long text, that is most of the time. Nobody
publishes it, so the prices are rounded from what was measured on one machine (AMD EPYC, 2 cores,
November 2026): by a calibration, which has 74 us for a layer with two threads and no constant for a
step beyond its layers, and with one thread of the starter model (2580 tokens/s with 90 tokens
behind, 1340 with 680) and of the calibration's shape `small`. A machine's own calibration wins.
"""

from __future__ import annotations

from stoker.core.weights import Use
from stoker.planning.speed.work import Work

# Seconds of a layer, whatever its width: by one thread, and by several, which wait for each other.
LAYER_S, LAYER_TOGETHER_S = 20e-6, 70e-6
# Seconds of one thread: a head attending to one token; of a prompt, a product with an earlier
# token, and a row of a matrix.
HEAD_S = 10e-9
PRODUCT_S = 40e-12
ROW_S = 6e-9


def step_floor_s(work: Work, past: float, threads: int, streams: int = 1) -> float:
    """Seconds of one step of so many answers with `past` tokens behind each, without weights."""
    layer_s = LAYER_S if threads == 1 else LAYER_TOGETHER_S
    attention = work.heads(lambda layer: layer.attended(past))
    return work.layers * layer_s + streams * attention * HEAD_S / threads


def token_floor_s(work: Work, past: float, threads: int) -> float:
    """Seconds of one token of a prompt that attends to `past` tokens, without weights."""
    attention = work.products(lambda layer: layer.attended(past))
    return (work.rows((Use.BODY, Use.EXPERT)) * ROW_S + attention * PRODUCT_S) / threads
