"""The parts of a model's layer, as the engine computes them: attention, states, feed-forward.

Each function writes its part to a layer's tape. What changes a result in its place is written only
where it decides when memory is free.
"""

from __future__ import annotations

from dataclasses import dataclass

from stoker.planning.memory.families import Family, Weighing
from stoker.planning.memory.scratch import Result
from stoker.planning.memory.shapes import Experts, Heads, Latent, States
from stoker.planning.memory.tape import Tape


@dataclass(frozen=True, slots=True)
class Inputs:
    """What layers of one kind are given; None for what they have no use for."""

    position: Result | None = None
    keys_at: Result | None = None
    values_at: Result | None = None
    mask: Result | None = None
    turn_k: Result | None = None
    turn_v: Result | None = None
    states: Result | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """Where and for what a layer is written: `tokens` of `slots` texts, `hidden` long."""

    tape: Tape
    family: Family
    inputs: Inputs
    hidden: int
    tokens: int
    slots: int

    @property
    def size(self) -> int:
        """How many elements the layer's answer has."""
        return self.hidden * self.tokens


def attention_begin(layer: Layer, normed: Result, heads: Heads) -> Result:
    """Up to what the queries see in the cache, where keys and values lie by then."""
    if layer.family.fused_qkv:
        query = _fused(layer, normed, heads)
    else:
        query = _turned(layer, layer.tape.new(heads.count * heads.length_k * layer.tokens, normed))
        if heads.kv:
            _keep(layer, *_keys_and_values(layer, normed, heads))
    looked = layer.tape.view(layer.tape.view(query))
    size = heads.count * heads.length_v * layer.tokens
    return layer.tape.new(size, looked, layer.inputs.mask)


def attention_end(layer: Layer, seen: Result, heads: Heads) -> Result:
    """From what the queries saw to the layer's inner answer."""
    tape = layer.tape
    out = tape.view(seen)
    if layer.inputs.turn_v is not None:
        size = heads.count * heads.length_v * layer.tokens
        out = tape.view(tape.new(size, layer.inputs.turn_v, tape.view(out)))
    return tape.new(layer.size, out)


def _keys_and_values(layer: Layer, normed: Result, heads: Heads) -> tuple[Result, Result]:
    keys, values = heads.kv * heads.length_k, heads.kv * heads.length_v
    if layer.family.keys_first:
        key = _turned(layer, layer.tape.new(keys * layer.tokens, normed))
        return key, _value(layer, layer.tape.new(values * layer.tokens, normed))
    value = _value(layer, layer.tape.new(values * layer.tokens, normed))
    return _turned(layer, layer.tape.new(keys * layer.tokens, normed)), value


def _keep(layer: Layer, key: Result, value: Result) -> None:
    layer.tape.keep(layer.tape.view(key), layer.inputs.keys_at)
    layer.tape.keep(layer.tape.view(value), layer.inputs.values_at)


def _turned(layer: Layer, made: Result) -> Result:
    """Queries or keys with their positions."""
    size = _elements(made)
    cut = layer.tape.view(made)
    if layer.family.normed_heads:
        cut = layer.tape.new(size, cut)
    turned = layer.tape.over(size, cut, layer.inputs.position)
    return _rotated(layer.tape, turned, layer.inputs.turn_k, size)


def _value(layer: Layer, made: Result) -> Result:
    size = _elements(made)
    value = layer.tape.view(made)
    if layer.family.normed_values:
        value = layer.tape.new(size, value)
    return _rotated(layer.tape, value, layer.inputs.turn_v, size)


def _rotated(tape: Tape, one: Result, rotation: Result | None, size: int) -> Result:
    """What goes to a quantized cache is rotated first, so that it loses less."""
    if rotation is None:
        return one
    return tape.view(tape.new(size, rotation, tape.view(one)))


def _fused(layer: Layer, normed: Result, heads: Heads) -> Result:
    """Queries, keys and values out of one matrix; the queries."""
    tape, inputs, tokens = layer.tape, layer.inputs, layer.tokens
    queries, keys = heads.count * heads.length_k * tokens, heads.kv * heads.length_k * tokens
    values = heads.kv * heads.length_v * tokens
    whole = tape.new(queries + keys + values, normed)
    query = tape.over(queries, tape.view(whole), inputs.position)
    query = _rotated(tape, query, inputs.turn_k, queries)
    value = _rotated(tape, tape.view(whole), inputs.turn_v, values)
    key = tape.over(keys, tape.view(whole), inputs.position)
    _keep(layer, _rotated(tape, key, inputs.turn_k, keys), value)
    return query


def encoder_attention(layer: Layer, x: Result, heads: Heads) -> Result:
    """Attention to a whole text at once: keys and values in half precision, and no cache."""
    tape, tokens = layer.tape, layer.tokens
    keys, values = heads.kv * heads.length_k * tokens, heads.kv * heads.length_v * tokens
    query = tape.view(tape.new(heads.count * heads.length_k * tokens, x))
    key = tape.view(tape.new(keys, x))
    value = tape.view(tape.new(values, x))
    looked = tape.view(tape.view(query))
    key = tape.half(keys, tape.view(key))
    value = tape.half(values, tape.view(value))
    size = heads.count * heads.length_v * tokens
    return tape.new(layer.size, tape.view(tape.new(size, looked, key, value, layer.inputs.mask)))


def latent_begin(layer: Layer, normed: Result, latent: Latent) -> Result:
    """The queries of latent attention, folded to what is kept; that is kept."""
    tape, inputs, tokens = layer.tape, layer.inputs, layer.tokens
    inner = tape.new(latent.queries * tokens, normed) if latent.queries else normed
    whole = tape.view(tape.new(latent.count * latent.head_k * tokens, inner))
    folded = tape.new(latent.count * latent.kept * tokens, tape.view(tape.view(whole)))
    turned = tape.over(latent.count * latent.rope * tokens, tape.view(whole), inputs.position)
    both = latent.kept + latent.rope
    query = tape.new(latent.count * both * tokens, tape.view(folded), turned)
    pressed = tape.new(both * tokens, normed)
    value = tape.view(tape.new(latent.kept * tokens, tape.view(pressed)))
    place = tape.over(latent.rope * tokens, tape.view(pressed), inputs.position)
    key = tape.new(both * tokens, value, place)
    tape.keep(tape.view(key), inputs.keys_at)
    return query


def latent_end(layer: Layer, query: Result, latent: Latent) -> Result:
    """From the queries to the layer's inner answer, unfolded."""
    tape, tokens = layer.tape, layer.tokens
    looked = tape.view(tape.view(query))
    seen = tape.new(latent.count * latent.kept * tokens, looked, layer.inputs.mask)
    unfolded = tape.new(latent.count * latent.head_v * tokens, tape.view(seen))
    flat = tape.view(tape.new(latent.count * latent.head_v * tokens, tape.view(unfolded)))
    return tape.new(layer.size, flat)


def gathered(layer: Layer, length: int) -> Result:
    """The states of all texts, brought together; computed before all else of a layer."""
    tape = layer.tape
    one = tape.new(length * layer.slots, layer.inputs.states)
    looked = tape.view(one)
    tape.keep(tape.view(one))
    return tape.view(looked)


def _joined(layer: Layer, before: Result, mixed: Result, sizes: tuple[int, int]) -> Result:
    """The tokens behind what came before them, ready for a convolution of (length, taps)."""
    length, taps = sizes
    count = (taps - 1) * layer.slots + layer.tokens
    both = layer.tape.new(count * length, before, layer.tape.view(mixed))
    layer.tape.keep(layer.tape.view(both))
    return both


def state_space_begin(
    layer: Layer, normed: Result, states: States, before: Result
) -> tuple[Result, Result, Result]:
    """Up to the new state: what gates, what went in, and what came out."""
    tape, tokens, inner = layer.tape, layer.tokens, states.inner
    width = inner + states.mixed + (states.rank if states.second else 0)
    projected = tape.new(width * tokens, normed if states.second else tape.view(normed))
    source = tape.view(projected) if states.second else projected
    both = _joined(layer, before, tape.view(source), (states.mixed, states.conv))
    conv = tape.over(states.mixed * tokens, tape.new(states.mixed * tokens, both))
    looked = tape.view(conv)
    if states.second:
        steps = tape.new(states.rank * tokens, tape.view(source))
        others = tape.view(conv), tape.view(conv)
    else:
        small = tape.new((states.rank + 2 * states.state) * tokens, conv)
        steps = tape.new(inner * tokens, tape.new(states.rank * tokens, tape.view(small)))
        others = tape.view(small), tape.view(small)
    one = states.state * inner
    scanned = tape.new(inner * tokens + one * layer.slots, looked, steps, *others)
    # The states of texts that are not in this step are brought together too, all but one.
    tape.keep(tape.view(tape.view(tape.new(one * (layer.slots - 1)))))
    tape.keep(tape.view(scanned))
    return source, conv, scanned


def state_space_end(layer: Layer, parts: tuple[Result, Result, Result], states: States) -> Result:
    """From the new state to the layer's inner answer."""
    tape, (source, conv, scanned) = layer.tape, parts
    inner = states.inner * layer.tokens
    gate = tape.new(inner, tape.view(source))
    out = tape.view(scanned)
    skipped = tape.over(inner, tape.view(conv) if states.second else conv)
    gated = tape.new(inner, gate, tape.over(inner, out, skipped))
    if states.second:
        gated = tape.view(tape.new(inner, tape.view(gated)))
    return tape.new(layer.size, gated)


def short_convolution_begin(
    layer: Layer, normed: Result, taps: int, before: Result
) -> tuple[Result, Result]:
    """Up to the new state: what gates, and what is to be convolved."""
    tape = layer.tape
    whole = tape.new(3 * layer.size, tape.view(normed))
    product = tape.new(layer.size, tape.view(whole), tape.view(whole))
    both = _joined(layer, before, product, (layer.hidden, taps))
    return tape.view(whole), both


def short_convolution_end(layer: Layer, parts: tuple[Result, Result]) -> Result:
    """From there to the layer's inner answer."""
    tape, (gate, both) = layer.tape, parts
    gated = tape.over(layer.size, gate, tape.new(layer.size, both))
    return tape.view(tape.new(layer.size, gated))


def feed_forward(layer: Layer, normed: Result, ffn: int) -> Result:
    """The dense part: wide and back."""
    tape, wide = layer.tape, ffn * layer.tokens
    if layer.family.encoder:
        return tape.new(layer.size, tape.over(wide, tape.new(wide, normed)))
    if layer.family.fused_gate:
        return tape.new(layer.size, tape.new(wide, tape.new(2 * wide, normed)))
    gate = tape.new(wide, normed)
    return tape.new(layer.size, tape.new(wide, gate, tape.new(wide, normed)))


def mixture(layer: Layer, normed: Result, experts: Experts) -> Result:
    """The chosen experts' answers, weighed and added up."""
    tape = layer.tape
    chosen, weights = _choice(layer, normed, experts)
    wide = experts.ffn * experts.used * layer.tokens
    looked = tape.view(normed)
    gate = tape.new(wide, looked, chosen)
    up = tape.new(wide, looked, chosen)
    down = tape.new(layer.size * experts.used, tape.new(wide, gate, up), chosen)
    weighed = tape.over(layer.size * experts.used, down, weights)
    looks = [tape.view(weighed) for _ in range(experts.used)]
    total = tape.new(layer.size, *looks[:2])
    for one in looks[2:]:
        total = tape.over(layer.size, total, one)
    if experts.shared:
        total = tape.over(layer.size, total, feed_forward(layer, normed, experts.shared))
    return total


def _choice(layer: Layer, normed: Result, experts: Experts) -> tuple[Result, Result]:
    """Which experts, and how much of each."""
    tape, tokens = layer.tape, layer.tokens
    odds = tape.over(experts.count * tokens, tape.new(experts.count * tokens, normed))
    looked = tape.view(odds)
    chosen = tape.view(tape.new(experts.count * tokens, odds))
    weights = tape.new(experts.used * tokens, looked, chosen)
    if layer.family.weighing is Weighing.PLAIN:
        return chosen, weights
    cut = tape.view(weights)
    total = tape.new(tokens, cut) if layer.family.weighing is Weighing.NORMED else None
    return chosen, tape.view(tape.over(experts.used * tokens, cut, total))


def _elements(result: Result) -> int:
    """How many floats a result has that is not a look at another."""
    if not isinstance(result.form, int):
        raise TypeError(result)
    return result.form
