"""One step of a model from its tokens to its answer, as an outline whose memory can be played back.

Owns the order of the parts: inputs, layers, ends. The parts are `blocks`', what differs between
architectures `families`'.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stoker.core.model import AttentionKind, ModelFacts, Task
from stoker.planning.memory import blocks
from stoker.planning.memory.blocks import Inputs, Layer
from stoker.planning.memory.families import architecture_family
from stoker.planning.memory.scratch import Result, peak_bytes
from stoker.planning.memory.shapes import (
    Demand,
    experts_of,
    head_lengths,
    heads_of,
    latent_of,
    state_elements,
    states_of,
)
from stoker.planning.memory.tape import FLOAT_BYTES, Tape

_COUNT_BYTES, _INDEX_BYTES, _MASK_BYTES = 4, 8, 2
_ROTATION = 64
_BLIND = frozenset({AttentionKind.RECURRENT, AttentionKind.NONE})
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
        self._family = architecture_family(facts.architecture)
        self._kinds = facts.attention[: facts.layers - facts.layout.ahead_layers]
        self._whole = facts.embedding_length * demand.tokens
        self._few = facts.embedding_length * demand.outputs

    def write(self) -> None:
        """All of it: inputs, the tokens' vectors, each layer, the answer."""
        make, tokens = self.tape.input, self._demand.tokens
        text, mixed = make(_COUNT_BYTES * tokens), make(_COUNT_BYTES * tokens)
        make(FLOAT_BYTES * self._whole)  # vectors instead of tokens: reserved, and never used
        slots, vectors = make(_INDEX_BYTES * tokens), make(FLOAT_BYTES * self._whole)
        scale = make(FLOAT_BYTES * tokens) if self._family.scaled_input else None
        inputs = self._inputs()
        self._rows = make(_COUNT_BYTES * self._demand.outputs)
        pooling = self._pooling()
        x = self.tape.new(self._whole, text)
        # The way of text mixed with vectors, which text alone does not go, is reserved too.
        other, copy = self.tape.new(self._whole, mixed), self.tape.new(self._whole, vectors)
        self.tape.written(copy, other, slots, copy)
        self._answer(self._layers(inputs, self._placed(x, scale, inputs)), pooling)

    def _inputs(self) -> dict[AttentionKind, Inputs]:
        """What the layers of each kind are given; the positions are the same for all."""
        kinds = dict.fromkeys(self._kinds)
        states = position = None
        if AttentionKind.RECURRENT in kinds:
            states = self.tape.input(_COUNT_BYTES * self._demand.slots)
        if not _BLIND.issuperset(kinds):
            position = self.tape.input(_COUNT_BYTES * self._demand.tokens)
        return {kind: self._inputs_of(kind, position, states) for kind in kinds}

    def _inputs_of(
        self, kind: AttentionKind, position: Result | None, states: Result | None
    ) -> Inputs:
        make, demand = self.tape.input, self._demand
        if kind in _BLIND:
            return Inputs(states=states)
        if self._family.encoder:
            return Inputs(position, mask=make(_MASK_BYTES * demand.tokens**2))
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

    def _placed(
        self, x: Result, scale: Result | None, inputs: dict[AttentionKind, Inputs]
    ) -> Result:
        """The tokens' vectors as the first layer takes them."""
        if scale is not None:
            return self.tape.over(self._whole, x, scale)
        if not self._family.encoder:
            return x
        position = next(iter(inputs.values())).position
        placed = self.tape.new(self._whole, position)
        return self.tape.new(self._whole, self.tape.over(self._whole, placed, x))

    def _layers(self, inputs: dict[AttentionKind, Inputs], x: Result) -> Result:
        """The last layer's answer; each layer ends only when the next one needs it."""
        finish: Finish = lambda: x  # noqa: E731 - one of many, and they are replaced in turn
        for number, kind in enumerate(self._kinds):
            layer = Layer(
                self.tape,
                self._family,
                inputs[kind],
                self._facts.embedding_length,
                self._demand.tokens,
                self._demand.slots,
            )
            finish = self._layer(layer, number, finish)
        return finish()

    def _layer(self, layer: Layer, number: int, finish: Finish) -> Finish:
        """Write the layer up to what it keeps; the rest waits in what is returned."""
        if self._kinds[number] is AttentionKind.RECURRENT:
            before = blocks.gathered(layer, state_elements(self._facts)[0])
            x = finish()
            inner = self._recurrent(layer, self.tape.over(layer.size, x), before)
        else:
            x = finish()
            normed = x if self._family.encoder else self.tape.over(layer.size, x)
            inner = self._attention(layer, number, normed)
        return lambda: self._rest(layer, number, x, inner())

    def _attention(self, layer: Layer, number: int, normed: Result) -> Finish:
        kind = self._kinds[number]
        if kind is AttentionKind.LATENT:
            latent = latent_of(self._facts)
            query = blocks.latent_begin(layer, normed, latent)
            return lambda: blocks.latent_end(layer, query, latent)
        heads = heads_of(self._facts, number)
        if self._family.encoder:
            return lambda: blocks.encoder_attention(layer, normed, heads)
        if kind is AttentionKind.NONE:
            return lambda: normed
        seen = blocks.attention_begin(layer, normed, heads)
        return lambda: blocks.attention_end(layer, seen, heads)

    def _recurrent(self, layer: Layer, normed: Result, before: Result) -> Finish:
        taps = self._facts.layout.short_conv
        if taps:
            made = blocks.short_convolution_begin(layer, normed, taps, before)
            return lambda: blocks.short_convolution_end(layer, made)
        states = states_of(self._facts)
        parts = blocks.state_space_begin(layer, normed, states, before)
        return lambda: blocks.state_space_end(layer, parts, states)

    def _rest(self, layer: Layer, number: int, x: Result, out: Result) -> Result:
        """From a layer's inner answer to its own; of the last, only the rows that are asked."""
        if number == len(self._kinds) - 1 and self._demand.outputs < layer.tokens:
            layer = replace(layer, tokens=self._demand.outputs)
            out = self.tape.new(layer.size, out, self._rows)
            x = self.tape.new(layer.size, x, self._rows)
        after_attention, after_wide = self._family.residual_first
        x = self._added(layer, x, out, first=after_attention)
        experts, ffn = experts_of(self._facts, number), self._facts.layout.ffn
        if experts is None and not (ffn and ffn[number]):
            return x
        normed = x if self._family.encoder else self.tape.over(layer.size, x)
        if experts is not None:
            wide = blocks.mixture(layer, normed, experts)
        else:
            wide = blocks.feed_forward(layer, normed, ffn[number])
        return self._added(layer, x, wide, first=after_wide)

    def _added(self, layer: Layer, x: Result, out: Result, *, first: bool) -> Result:
        pair = (x, out) if first else (out, x)
        total = self.tape.over(layer.size, *pair)
        return self.tape.new(layer.size, total) if self._family.encoder else total

    def _pooling(self) -> Result | None:
        if self._facts.task is not Task.EMBED:
            return None
        return self.tape.input(FLOAT_BYTES * self._demand.tokens * self._demand.slots)

    def _answer(self, x: Result, pooling: Result | None) -> None:
        """The normed vectors, pooled where the model embeds; logits where it has any."""
        tape, demand = self.tape, self._demand
        x = tape.answer(self._few, x)
        if pooling is not None:
            turned = tape.new(self._few, tape.view(x))
            tape.answer(self._facts.embedding_length * demand.slots, turned, pooling)
        if not self._family.encoder:
            tape.answer(self._facts.vocabulary * demand.outputs, x)
