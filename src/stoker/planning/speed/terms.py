"""The terms of which the seconds of a step, a prompt, a batch or a load are the sum.

Pure, and shared: `calibrating` fits what a unit of each term costs, `calibrated` adds it up again.

- A decode step reads all weights once (of experts, those chosen) and attends to the tokens so
  far, to few in another way than to many (`work.BLOCK`). Low-bit formats are bound by unpacking, so
  the units are weights, not bytes, and each family of formats has its own price; some cost a little
  for each row too. Each layer costs a little for its many small operations, each word of the
  vocabulary for sampling, and each step for the server around it.
- A prompt is read in steps of a micro-batch. Each token is multiplied with all weights; each step
  unpacks them once; attention is quadratic in the length.
- A step of several answers is priced for each family and number of answers of `STREAMS`, because
  engines switch kernels between them; a layer costs more than with one answer.
- A load reads and rewrites each format at its own rate, and reads the vocabulary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from stoker.core.weights import Use
from stoker.planning.speed.formats import BY_ROWS, format_family
from stoker.planning.speed.work import Attention, Work

Terms = dict[str, float]
# The seconds that one unit of a term takes, by the term's name.
UnitSeconds = Callable[[str], float]
STREAMS = (2, 4, 8)
READ, MULTIPLY, LOADED, EACH = "read", "multiply", "load", "each"
_LAYERS = (Use.BODY, Use.EXPERT)
_READ = (*_LAYERS, Use.OUTPUT)


def decode_terms(work: Work, past: float) -> Terms:
    """One step of one answer that has `past` tokens behind it."""
    return {
        **_weights(READ, work, _READ, 1.0),
        "layers": float(work.layers),
        "routers": float(work.layers if work.has_experts else 0),
        "rows": work.rows(_READ, BY_ROWS),
        "vocabulary": float(work.vocabulary),
        **_near(work, lambda layer: layer.near(past)),
        "heads_far": work.heads(lambda layer: layer.far(past)),
        "products_far": work.products(lambda layer: layer.far(past)),
        "step": 1.0,
    }


def prompt_terms(
    work: Work, tokens: int, micro_batch: int, decode: UnitSeconds, past: int = 0
) -> Terms:
    """A prompt of `tokens`; `decode` has the seconds a unit of the decode terms takes.

    The term `reading` is in seconds already: what unpacking the weights in each step takes.
    """
    steps = work.steps(tokens, micro_batch, past)
    reading = _seconds(_weights(READ, work, (Use.OUTPUT,), 1.0), decode)
    for count, _ in steps:
        reading += _seconds(_weights(READ, work, _LAYERS, float(count)), decode)
    multiplied = _sums(MULTIPLY, work, _LAYERS, work.passed)
    return {
        **{name: tokens * weights for name, weights in multiplied.items()},
        "reading": reading,
        "rows": tokens * work.rows(_LAYERS),
        "layers": float(len(steps) * work.layers),
        "routed": float(tokens * work.layers * work.experts_used if work.has_experts else 0),
        "heads": sum(count * work.heads(_attended(mean)) for count, mean in steps),
        "products": sum(count * work.products(_attended(mean)) for count, mean in steps),
        "prompt": 1.0,
    }


def streams_terms(work: Work, streams: int, past: float, decode: UnitSeconds) -> Terms:
    """One step of `streams` answers, each with `past` tokens behind it.

    `decode` has the seconds a unit of the decode terms takes. Two terms are in seconds already:
    `each` is what the answers' attention and sampling would take one after the other, `experts` the
    same of their experts: few answers rarely meet in one.
    """
    alone = {"vocabulary": float(work.vocabulary), **_near(work, _attended(past))}
    weights = _weights(MULTIPLY, work, (Use.BODY, Use.OUTPUT), float(streams))
    chosen = _weights(READ, work, (Use.EXPERT,), 1.0)
    return {
        **{f"{name}@{streams}": count for name, count in weights.items()},
        "experts": streams * _seconds(chosen, decode),
        "layers": float(work.layers),
        EACH: streams * _seconds(alone, decode),
    }


def load_terms(work: Work) -> Terms:
    """Reading the model from the page cache, up to the first answer."""
    weights: Counter[str] = Counter()
    for one in work.uses:
        weights[f"{LOADED}:{format_family(one.format)}"] += one.elements
    return {
        **{name: float(count) for name, count in weights.items()},
        "vocabulary": float(work.vocabulary),
        "layers": float(work.layers),
        "start": 1.0,
    }


def cold_terms(work: Work) -> Terms:
    """What a load takes longer where the file has to come from the disk."""
    return {"file": float(sum(one.size_bytes for one in work.uses))}


def _near(work: Work, tokens: Callable[[Attention], float]) -> Terms:
    """Attention to so many tokens, head by head."""
    return {"heads_near": work.heads(tokens), "products_near": work.products(tokens)}


def _attended(past: float) -> Callable[[Attention], float]:
    return lambda layer: layer.attended(past)


def _weights(term: str, work: Work, uses: tuple[Use, ...], tokens: float) -> Terms:
    """Weights by family that `tokens` in one step touch."""
    return _sums(term, work, uses, lambda use: work.share(use, tokens))


def _sums(term: str, work: Work, uses: tuple[Use, ...], share: Callable[[Use], float]) -> Terms:
    """Of the weights of each of `uses` its `share`, by family."""
    sums: dict[str, float] = {}
    for one in work.uses:
        if one.use in uses:
            name = f"{term}:{format_family(one.format)}"
            sums[name] = sums.get(name, 0.0) + one.elements * share(one.use)
    return sums


def _seconds(terms: Terms, price: UnitSeconds) -> float:
    return sum(units * price(name) for name, units in terms.items())
