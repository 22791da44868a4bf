"""One step of a model from its tokens to its answer, as an outline whose memory can be played back.

Owns the order of the parts: inputs, layers, ends. The parts are `blocks`', what differs between
architectures `families`'.
"""

from __future__ import annotations

from collections.abc import Callable

from stoker.core.model import AttentionKind, ModelFacts, Task
from stoker.planning import blocks
from stoker.planning.blocks import Experts, Heads, Inputs, Latent, States
from stoker.planning.families import family_of
from stoker.planning.scratch import Result, peak_bytes
from stoker.planning.tape import FLOAT_BYTES, Demand, Tape

_INDEX_BYTES, _MASK_BYTES = 8, 2
_ROTATION = 64
_BLIND = frozenset({AttentionKind.RECURRENT, AttentionKind.NONE})
_STATELESS = frozenset(AttentionKind) - {AttentionKind.RECURRENT}
Finish = Callable[[], Result]


def scratch_bytes(facts: ModelFacts, demand: Demand) -> int:
    """The engine's compute buffer for a model of these `facts`, in bytes.

    The engine reserves it for the largest step, of `demand.tokens`.
    """
    step = _Step(facts, demand)
    step.write()
    return peak_bytes(step.tape.results)


class _Step:
    """Writes the outline of one step."""

    def __init__(self, facts: ModelFacts, demand: Demand) -> None:
        self.tape = Tape()
        self._facts = facts
        self._demand = demand
        self._family = family_of(facts.architecture)
        self._kinds = facts.attention[: facts.layers - facts.layout.ahead_layers]
        self._whole = facts.embedding_length * demand.tokens
        self._few = facts.embedding_length * demand.outputs

    def write(self) -> None:
        """All of it: inputs, the tokens' vectors, each layer, the answer."""
        tape, tokens = self.tape, self._demand.tokens
        tables = [tape.input(4 * tokens), tape.input(4 * tokens)]
        tape.input(FLOAT_BYTES * self._whole)  # vectors instead of tokens: reserved, never used
        tables += [tape.input(_INDEX_BYTES * tokens), tape.input(FLOAT_BYTES * self._whole)]
        scale = tape.input(FLOAT_BYTES * tokens) if self._family.scaled_input else None
        inputs = self._all_inputs()
        self._rows = tape.input(4 * self._demand.outputs)
        pooling = self._pooling()
        finish = self._layers(inputs, self._embedded(tables, scale, inputs))
        self._answer(finish(), pooling)

    def _all_inputs(self) -> dict[AttentionKind, Inputs]:
        """What the layers of each kind are given; the positions are the same for all."""
        kinds = dict.fromkeys(self._kinds)
        states = position = None
        if not _STATELESS.issuperset(kinds):
            states = self.tape.input(4 * self._demand.slots)
        if not _BLIND.issuperset(kinds):
            position = self.tape.input(4 * self._demand.tokens)
        return {kind: self._inputs(kind, position, states) for kind in kinds}

    def _inputs(
        self, kind: AttentionKind, position: Result | None, states: Result | None
    ) -> Inputs:
        make, demand = self.tape.input, self._demand
        if kind in _BLIND:
            return Inputs(None, None, None, None, states=states)
        if self._family.encoder:
            return Inputs(position, None, None, make(_MASK_BYTES * demand.tokens**2))
        turn_k, turn_v = self._rotations(kind)
        cells = demand.window_cells if kind is AttentionKind.WINDOWED else demand.cells
        return Inputs(
            position,
            make(_INDEX_BYTES * demand.tokens),
            None if kind is AttentionKind.LATENT else make(_INDEX_BYTES * demand.tokens),
            make(_MASK_BYTES * cells * demand.tokens),
            turn_k,
            turn_v,
        )

    def _rotations(self, kind: AttentionKind) -> tuple[Result | None, Result | None]:
        """What turns keys and values for a quantized cache, where a head's length allows it."""
        length_k, length_v = head_lengths(self._facts, kind)
        turn_k = turn_v = None
        if not self._demand.quantized or not length_v:
            return None, None
        if self._facts.head_length_k % _ROTATION == 0:
            side = _ROTATION
            while length_k % (2 * side) == 0:
                side *= 2
            turn_k = self.tape.input(FLOAT_BYTES * side**2)
        if self._facts.head_length_v % _ROTATION == 0:
            turn_v = self.tape.input(FLOAT_BYTES * _ROTATION**2)
        return turn_k, turn_v

    def _embedded(
        self,
        tables: list[Result],
        scale: Result | None,
        inputs: dict[AttentionKind, Inputs],
    ) -> Result:
        tokens, mixed, slots, vectors = tables
        tape = self.tape
        x = tape.new(self._whole, tokens)
        other = tape.new(self._whole, mixed)  # a way that text alone does not go, but reserved
        copy = tape.new(self._whole, vectors)
        tape.results.append(Result(0, None, (other, slots, copy), root=copy))
        if scale is not None:
            x = tape.over(self._whole, x, scale)
        if self._family.encoder:
            position = next(iter(inputs.values())).position
            placed = tape.new(self._whole, *blocks.given(position))
            x = tape.new(self._whole, tape.over(self._whole, placed, x))
        return x

    def _layers(self, inputs: dict[AttentionKind, Inputs], x: Result) -> Finish:
        """Each layer begins, and ends when the next one needs it."""

        def finish() -> Result:
            return x

        last: Finish = finish
        for layer, kind in enumerate(self._kinds):
            last = self._layer(layer, inputs[kind], last)
        return last

    def _layer(self, layer: int, inputs: Inputs, finish: Finish) -> Finish:
        """Write the layer up to what it keeps; the rest waits in what is returned."""
        tape, size = self.tape, self._whole
        if self._kinds[layer] is AttentionKind.RECURRENT:
            length = states_of(self._facts)[0]
            before = blocks.gathered(tape, length, self._demand, inputs)
            x = finish()
            end = self._recurrent(tape.over(size, x), before)
        else:
            x = finish()
            normed = x if self._family.encoder else tape.over(size, x)
            end = self._attention(layer, normed, inputs)
        return lambda: self._rest(layer, x, end())

    def _attention(self, layer: int, normed: Result, inputs: Inputs) -> Finish:
        tape, facts, tokens = self.tape, self._facts, self._demand.tokens
        sizes = facts.embedding_length, tokens
        if self._kinds[layer] is AttentionKind.LATENT:
            parts = _latent(facts)
            query = blocks.latent_begin(tape, normed, parts, facts.heads, inputs, tokens)
            return lambda: blocks.latent_end(tape, query, parts, facts.heads, inputs, sizes)
        heads = heads_of(facts, layer)
        if self._family.encoder:
            return lambda: self._seen_at_once(normed, heads, inputs)
        seen = blocks.attention_begin(tape, normed, heads, self._family, inputs, tokens)
        return lambda: blocks.attention_end(tape, seen, heads, inputs, sizes)

    def _seen_at_once(self, x: Result, heads: Heads, inputs: Inputs) -> Result:
        """An encoder's attention: keys and values in half precision, and no cache."""
        tape, tokens = self.tape, self._demand.tokens
        query = tape.view(tape.new(heads.count * heads.length_k * tokens, x))
        pair = heads.kv * heads.length_k * tokens, heads.kv * heads.length_v * tokens
        key = tape.view(tape.new(pair[0], x))
        value = tape.view(tape.new(pair[1], x))
        looked = tape.view(tape.view(query))
        key = tape.half(pair[0], tape.view(key))
        value = tape.half(pair[1], tape.view(value))
        out = heads.count * heads.length_v * tokens
        seen = tape.view(tape.new(out, looked, key, value, *blocks.given(inputs.mask)))
        return tape.new(self._whole, seen)

    def _recurrent(self, normed: Result, before: Result) -> Finish:
        tape, facts, demand = self.tape, self._facts, self._demand
        layout = facts.layout
        sizes = facts.embedding_length, demand.tokens
        if layout.short_conv:
            parts = blocks.short_convolution_begin(
                tape, normed, layout.short_conv, before, (facts.embedding_length, demand)
            )
            return lambda: blocks.short_convolution_end(tape, parts, self._whole)
        second = layout.groups > 0
        states = States(
            layout.conv, layout.inner, layout.state, layout.groups, layout.time_rank, second
        )
        made = blocks.state_space_begin(tape, normed, states, before, demand)
        return lambda: blocks.state_space_end(tape, made, states, sizes)

    def _rest(self, layer: int, x: Result, out: Result) -> Result:
        """From a layer's inner answer to its own; of the last one, only the rows that are asked."""
        tape, tokens, size = self.tape, self._demand.tokens, self._whole
        last = layer == len(self._kinds) - 1
        if last and self._demand.outputs < tokens:
            tokens, size = self._demand.outputs, self._few
            out = tape.new(size, out, self._rows)
            x = tape.new(size, x, self._rows)
        x = self._added(x, out, size, first=self._family.residual_first[0])
        if not (self._facts.layout.ffn and any(self._facts.layout.ffn)) and not self._facts.experts:
            return x
        normed = x if self._family.encoder else tape.over(size, x)
        sizes = self._facts.embedding_length, tokens
        experts = experts_of(self._facts, layer)
        if experts is not None:
            wide = blocks.mixture(tape, normed, experts, self._family, sizes)
        else:
            ffn = self._facts.layout.ffn[layer]
            wide = blocks.feed_forward(tape, normed, ffn, self._family, sizes)
        return self._added(x, wide, size, first=self._family.residual_first[1])

    def _added(self, x: Result, out: Result, size: int, *, first: bool) -> Result:
        total = self.tape.over(size, x, out) if first else self.tape.over(size, out, x)
        return self.tape.new(size, total) if self._family.encoder else total

    def _pooling(self) -> Result | None:
        if self._facts.task is not Task.EMBED:
            return None
        return self.tape.input(FLOAT_BYTES * self._demand.tokens * self._demand.slots)

    def _answer(self, x: Result, pooling: Result | None) -> None:
        tape, demand = self.tape, self._demand
        if not self._family.encoder:
            x = tape.over(self._few, x)
        x.output = True
        if pooling is not None:
            turned = tape.new(self._few, tape.view(x))
            tape.new(self._facts.embedding_length * demand.slots, turned, pooling).output = True
        if not self._family.encoder:
            tape.new(self._facts.vocabulary * demand.outputs, x).output = True


def heads_of(facts: ModelFacts, layer: int) -> Heads:
    """The heads of one layer; one behind those with a cache of their own makes no keys."""
    own = layer < (facts.layout.kv_layers or facts.layers)
    lengths = head_lengths(facts, facts.attention[layer])
    return Heads(facts.heads, facts.kv_heads[layer] if own else 0, *lengths)


def head_lengths(facts: ModelFacts, kind: AttentionKind) -> tuple[int, int]:
    """The lengths of a head's keys and of its values, 0 where values are part of the keys."""
    layout = facts.layout
    if kind is AttentionKind.LATENT:
        return layout.latent + layout.rope, 0
    windowed = kind is AttentionKind.WINDOWED
    return (
        (windowed and layout.window_head_k) or facts.head_length_k,
        (windowed and layout.window_head_v) or facts.head_length_v,
    )


def states_of(facts: ModelFacts) -> tuple[int, int]:
    """Elements of the convolution's and of the other state of one recurrent layer and text."""
    layout = facts.layout
    if layout.state_head:
        length = facts.embedding_length
        return layout.shifts * length, length * layout.state_head
    if layout.short_conv:
        return facts.embedding_length * (layout.short_conv - 1), 0
    mixed = layout.inner + 2 * layout.groups * layout.state
    return max(layout.conv - 1, 0) * mixed, layout.state * layout.inner


def experts_of(facts: ModelFacts, layer: int) -> Experts | None:
    """The experts of one layer, None where it is dense."""
    layout = facts.layout
    if not facts.experts or layer < layout.dense_layers:
        return None
    ffn = layout.expert_ffn or layout.ffn[layer]
    return Experts(facts.experts, facts.experts_used, ffn, layout.shared_ffn)


def _latent(facts: ModelFacts) -> Latent:
    layout = facts.layout
    return Latent(
        layout.latent, layout.rope, layout.query_latent, layout.latent_head_k, layout.latent_head_v
    )
