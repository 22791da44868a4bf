"""The parts of a model's layer, as the engine computes them: attention, states, feed-forward.

Each function writes its part to a tape. Two looks at one result, and operations that change it in
its place, are written only where they decide when its memory is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stoker.planning.families import Family, Weighing
from stoker.planning.scratch import Result
from stoker.planning.tape import Demand, Tape


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a step is given. What a model has no use for is None."""

    position: Result | None
    keys_at: Result | None
    values_at: Result | None
    mask: Result | None
    rotation_k: Result | None = None
    rotation_v: Result | None = None
    states: Result | None = None


@dataclass(frozen=True, slots=True)
class Heads:
    """One attention layer's heads: how many, and their lengths. Without `kv` it owns no cache."""

    count: int
    kv: int
    length_k: int
    length_v: int


@dataclass(frozen=True, slots=True)
class Latent:
    """Latent attention: the lengths of what is kept, of its part with a position, of queries'."""

    kept: int
    rope: int
    queries: int
    head_k: int
    head_v: int


@dataclass(frozen=True, slots=True)
class Experts:
    """Of `count` experts `used` are chosen, each of length `ffn`; `shared` is for every token."""

    count: int
    used: int
    ffn: int
    shared: int


@dataclass(frozen=True, slots=True)
class States:
    """A state-space layer; `rank` is its time steps', `heads` those of its second version."""

    conv: int
    inner: int
    state: int
    groups: int
    rank: int
    second: bool

    @property
    def mixed(self) -> int:
        """The length of what goes through the convolution."""
        return self.inner + 2 * self.groups * self.state if self.second else self.inner


def given(*results: Result | None) -> tuple[Result, ...]:
    """Those that are there."""
    return tuple(one for one in results if one is not None)


def attention_begin(  # noqa: PLR0913, PLR0917 - a layer's parts, each by its name
    tape: Tape, normed: Result, heads: Heads, family: Family, inputs: Inputs, tokens: int
) -> Result:
    """Up to what the queries see in the cache, where keys and values lie by then."""
    if family.fused_qkv:
        return _seen(tape, _fused(tape, normed, heads, inputs, tokens), heads, inputs, tokens)
    query = _turned(tape, normed, heads.count * heads.length_k, family, inputs, tokens)
    if not heads.kv:
        return _seen(tape, query, heads, inputs, tokens)
    value = None
    if not family.keys_first:
        value = _value(tape, normed, heads, family, inputs, tokens)
    key = _turned(tape, normed, heads.kv * heads.length_k, family, inputs, tokens)
    value = value or _value(tape, normed, heads, family, inputs, tokens)
    tape.keep(tape.view(key), *given(inputs.keys_at))
    tape.keep(tape.view(value), *given(inputs.values_at))
    return _seen(tape, query, heads, inputs, tokens)


def attention_end(
    tape: Tape, seen: Result, heads: Heads, inputs: Inputs, sizes: tuple[int, int]
) -> Result:
    """From what the queries saw to the layer's answer; `sizes`: hidden length and tokens."""
    hidden, tokens = sizes
    out = tape.view(seen)
    if inputs.rotation_v is not None:
        length = heads.count * heads.length_v
        out = tape.view(tape.new(length * tokens, inputs.rotation_v, tape.view(out)))
    return tape.new(hidden * tokens, out)


def _seen(tape: Tape, query: Result, heads: Heads, inputs: Inputs, tokens: int) -> Result:
    looked = tape.view(tape.view(query))
    return tape.new(heads.count * heads.length_v * tokens, looked, *given(inputs.mask))


def _turned(  # noqa: PLR0913, PLR0917 - see attention_begin
    tape: Tape, normed: Result, length: int, family: Family, inputs: Inputs, tokens: int
) -> Result:
    """Queries or keys with their positions."""
    size = length * tokens
    cut = tape.view(tape.new(size, normed))
    if family.normed_heads:
        cut = tape.new(size, cut)
    turned = tape.over(size, cut, *given(inputs.position))
    return _rotated(tape, turned, inputs.rotation_k, size)


def _value(  # noqa: PLR0913, PLR0917 - see attention_begin
    tape: Tape, normed: Result, heads: Heads, family: Family, inputs: Inputs, tokens: int
) -> Result:
    size = heads.kv * heads.length_v * tokens
    value = tape.view(tape.new(size, normed))
    if family.normed_values:
        value = tape.new(size, value)
    return _rotated(tape, value, inputs.rotation_v, size)


def _rotated(tape: Tape, one: Result, rotation: Result | None, size: int) -> Result:
    """What goes to a quantized cache is rotated first, so that it loses less."""
    if rotation is None:
        return one
    return tape.view(tape.new(size, rotation, tape.view(one)))


def _fused(tape: Tape, normed: Result, heads: Heads, inputs: Inputs, tokens: int) -> Result:
    length_q, length_k = heads.count * heads.length_k, heads.kv * heads.length_k
    whole = tape.new((length_q + length_k + heads.kv * heads.length_v) * tokens, normed)
    position = given(inputs.position)
    query = tape.over(length_q * tokens, tape.view(whole), *position)
    query = _rotated(tape, query, inputs.rotation_k, length_q * tokens)
    value = tape.view(whole)
    value = _rotated(tape, value, inputs.rotation_v, heads.kv * heads.length_v * tokens)
    key = tape.over(length_k * tokens, tape.view(whole), *position)
    key = _rotated(tape, key, inputs.rotation_k, length_k * tokens)
    tape.keep(tape.view(key), *given(inputs.keys_at))
    tape.keep(tape.view(value), *given(inputs.values_at))
    return query


def latent_begin(  # noqa: PLR0913, PLR0917 - see attention_begin
    tape: Tape, normed: Result, latent: Latent, heads: int, inputs: Inputs, tokens: int
) -> Result:
    """The queries of latent attention, folded to what is kept; that is kept."""
    inner = normed
    if latent.queries:
        inner = tape.new(latent.queries * tokens, normed)
    whole = tape.view(tape.new(heads * latent.head_k * tokens, inner))
    folded = tape.new(heads * latent.kept * tokens, tape.view(tape.view(whole)))
    turned = tape.over(heads * latent.rope * tokens, tape.view(whole), *given(inputs.position))
    both = latent.kept + latent.rope
    query = tape.new(heads * both * tokens, tape.view(folded), turned)
    pressed = tape.new(both * tokens, normed)
    value = tape.view(tape.new(latent.kept * tokens, tape.view(pressed)))
    place = tape.over(latent.rope * tokens, tape.view(pressed), *given(inputs.position))
    key = tape.new(both * tokens, value, place)
    tape.keep(tape.view(key), *given(inputs.keys_at))
    return query


def latent_end(  # noqa: PLR0913, PLR0917 - see attention_end
    tape: Tape, query: Result, latent: Latent, heads: int, inputs: Inputs, sizes: tuple[int, int]
) -> Result:
    """From the queries to the layer's answer, unfolded."""
    hidden, tokens = sizes
    looked = tape.view(tape.view(query))
    seen = tape.new(heads * latent.kept * tokens, looked, *given(inputs.mask))
    unfolded = tape.new(heads * latent.head_v * tokens, tape.view(seen))
    flat = tape.view(tape.new(heads * latent.head_v * tokens, tape.view(unfolded)))
    return tape.new(hidden * tokens, flat)


def gathered(tape: Tape, length: int, demand: Demand, inputs: Inputs) -> Result:
    """The states of all texts, brought together; computed before all else of a layer."""
    one = tape.new(length * demand.slots, *given(inputs.states))
    looked = tape.view(one)
    tape.keep(tape.view(one))
    return tape.view(looked)


def _convolved(
    tape: Tape, before: Result, mixed: Result, length: int, taps: int, demand: Demand
) -> Result:
    """The tokens behind what came before them, ready for a convolution."""
    joined = (taps - 1) * demand.slots + demand.tokens
    both = tape.new(joined * length, before, tape.view(mixed))
    tape.keep(tape.view(both))
    return both


def state_space_begin(
    tape: Tape, normed: Result, states: States, before: Result, demand: Demand
) -> tuple[Result, Result, Result]:
    """Up to the new state: what gates, what went in, and what came out."""
    tokens, inner = demand.tokens, states.inner
    width = inner + states.mixed + (states.rank if states.second else 0)
    projected = tape.new(width * tokens, normed if states.second else tape.view(normed))
    source = tape.view(projected) if states.second else projected
    both = _convolved(tape, before, tape.view(source), states.mixed, states.conv, demand)
    conv = tape.new(states.mixed * tokens, both)
    conv = tape.over(states.mixed * tokens, conv)
    looked = tape.view(conv)
    if states.second:
        steps = tape.new(states.rank * tokens, tape.view(source))
        others: Sequence[Result] = (tape.view(conv), tape.view(conv))
    else:
        small = tape.new((states.rank + 2 * states.state) * tokens, conv)
        ranks = tape.new(states.rank * tokens, tape.view(small))
        steps = tape.new(inner * tokens, ranks)
        others = (tape.view(small), tape.view(small))
    scanned = tape.new(
        inner * tokens + states.state * inner * demand.slots, looked, steps, *others
    )
    # The states of texts that are not in this step are brought together too, all but one.
    spare = tape.new(states.state * inner * (demand.slots - 1))
    tape.keep(tape.view(tape.view(spare)))
    tape.keep(tape.view(scanned))
    return source, conv, scanned


def state_space_end(  # noqa: PLR0913, PLR0917 - see attention_end
    tape: Tape,
    parts: tuple[Result, Result, Result],
    states: States,
    sizes: tuple[int, int],
) -> Result:
    """From the new state to the layer's answer."""
    source, conv, scanned = parts
    hidden, tokens = sizes
    inner = states.inner * tokens
    gate = tape.new(inner, tape.view(source))
    out = tape.view(scanned)
    skipped = tape.over(inner, tape.view(conv) if states.second else conv)
    added = tape.over(inner, out, skipped)
    gated = tape.new(inner, gate, added)
    if states.second:
        gated = tape.view(tape.new(inner, tape.view(gated)))
    return tape.new(hidden * tokens, gated)


def short_convolution_begin(
    tape: Tape, normed: Result, taps: int, before: Result, sizes: tuple[int, Demand]
) -> tuple[Result, Result]:
    """Up to the new state: what gates, and what is to be convolved."""
    hidden, demand = sizes
    whole = tape.new(3 * hidden * demand.tokens, tape.view(normed))
    product = tape.new(hidden * demand.tokens, tape.view(whole), tape.view(whole))
    both = _convolved(tape, before, product, hidden, taps, demand)
    return tape.view(whole), both


def short_convolution_end(tape: Tape, parts: tuple[Result, Result], size: int) -> Result:
    """From there to the layer's answer; `size` counts elements."""
    gate, both = parts
    conv = tape.new(size, both)
    return tape.view(tape.new(size, tape.over(size, gate, conv)))


def feed_forward(
    tape: Tape, normed: Result, ffn: int, family: Family, sizes: tuple[int, int]
) -> Result:
    """The dense part: wide and back."""
    hidden, tokens = sizes
    if family.encoder:
        wide = tape.over(ffn * tokens, tape.new(ffn * tokens, normed))
    elif family.fused_gate:
        wide = tape.new(ffn * tokens, tape.new(2 * ffn * tokens, normed))
    else:
        gate = tape.new(ffn * tokens, normed)
        wide = tape.new(ffn * tokens, gate, tape.new(ffn * tokens, normed))
    return tape.new(hidden * tokens, wide)


def mixture(
    tape: Tape, normed: Result, experts: Experts, family: Family, sizes: tuple[int, int]
) -> Result:
    """The chosen experts' answers, weighed and added up."""
    hidden, tokens = sizes
    chosen, weights = _choice(tape, normed, experts, family.weighing, tokens)
    wide = experts.ffn * experts.used * tokens
    looked = tape.view(normed)
    gate = tape.new(wide, looked, chosen)
    up = tape.new(wide, looked, chosen)
    down = tape.new(hidden * experts.used * tokens, tape.new(wide, gate, up), chosen)
    weighed = tape.over(hidden * experts.used * tokens, down, weights)
    looks = [tape.view(weighed) for _ in range(experts.used)]
    total = tape.new(hidden * tokens, *looks[:2])
    for one in looks[2:]:
        total = tape.over(hidden * tokens, total, one)
    if experts.shared:
        also = feed_forward(tape, normed, experts.shared, family, sizes)
        total = tape.over(hidden * tokens, total, also)
    return total


def _choice(
    tape: Tape, normed: Result, experts: Experts, weighing: Weighing, tokens: int
) -> tuple[Result, Result]:
    """Which experts, and how much of each."""
    odds = tape.over(experts.count * tokens, tape.new(experts.count * tokens, normed))
    looked = tape.view(odds)
    chosen = tape.view(tape.new(experts.count * tokens, odds))
    weights = tape.new(experts.used * tokens, looked, chosen)
    if weighing is Weighing.PLAIN:
        return chosen, weights
    cut = tape.view(weights)
    if weighing is Weighing.SOFTMAX:
        return chosen, tape.view(tape.over(experts.used * tokens, cut))
    total = tape.new(tokens, cut)
    return chosen, tape.view(tape.over(experts.used * tokens, cut, total))
