"""The work of a well-known model, from its published architecture and one number format.

Pure. For published speeds, whose files nobody has here: mixtures of formats count as the one that
most of their weights have, at the mixture's bits for each weight.
"""

from __future__ import annotations

from stoker.core.published import ModelShape
from stoker.core.weights import Use, WeightUse
from stoker.planning.speed.work import Look, Work


def work_of_shape(shape: ModelShape, number_format: str, bits_per_weight: float) -> Work:
    """The work of the model of `shape` with weights of so many bits."""
    table = shape.vocabulary * shape.hidden
    tied = "tied" in shape.note
    body = max(shape.parameters - table * (1 if tied else 2), 0)
    parts = [(Use.BODY, body), (Use.OUTPUT, table)] + ([] if tied else [(Use.LOOKUP, table)])
    return Work(
        uses=tuple(
            WeightUse(use, number_format, count, round(count * bits_per_weight / 8))
            for use, count in parts
        ),
        layers=shape.layers,
        hidden=shape.hidden,
        vocabulary=shape.vocabulary,
        looks=_looks(shape),
    )


def _looks(shape: ModelShape) -> tuple[Look, ...]:
    whole = shape.global_layers or shape.layers
    length = 2 * (shape.head_dim or shape.hidden // shape.heads)
    kept = shape.kv_bytes_per_token // (2 * whole)
    looks = (Look(whole, shape.heads, length, kept),)
    if shape.window and whole < shape.layers:
        return (*looks, Look(shape.layers - whole, shape.heads, length, kept, shape.window))
    return looks
