"""The outline of one step as it is written down: what is computed, from what, in which order.

Owns the few kinds of results that differ in how they take memory. What a model computes is `blocks`'
and `step`'s.
"""

from __future__ import annotations

from dataclasses import dataclass

from stoker.planning.scratch import Result

FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Demand:
    """What one step must be ready for.

    `tokens` go through at a time, of `slots` texts; `outputs` of them give an answer. A text's
    cache has `cells`, in windowed layers `window_cells`. `quantized` says that the cache is.
    """

    tokens: int
    slots: int
    outputs: int
    cells: int
    window_cells: int
    quantized: bool = False


class Tape:
    """Results in the order in which they are computed."""

    def __init__(self) -> None:
        self.results: list[Result] = []

    def input(self, size: int) -> Result:
        """What is given from outside, `size` in bytes."""
        return self._add(Result(size, input=True))

    def new(self, elements: int, *sources: Result) -> Result:
        """A result with a place of its own; `elements` are floats."""
        return self._add(Result(FLOAT_BYTES * elements, elements, sources))

    def half(self, elements: int, *sources: Result) -> Result:
        """The same in half precision."""
        return self._add(Result(FLOAT_BYTES * elements // 2, None, sources))

    def over(self, elements: int, *sources: Result) -> Result:
        """A result that may be written over the first source that nobody needs any more."""
        return self._add(Result(FLOAT_BYTES * elements, elements, sources, inplace=True))

    def view(self, source: Result) -> Result:
        """Another look at `source`."""
        whole = source if source.root is None else source.root
        return self._add(Result(0, None, (source,), root=whole))

    def keep(self, *sources: Result) -> Result:
        """What is written to a place outside, such as a cache."""
        return self._add(Result(0, None, sources, kept=True))

    def _add(self, result: Result) -> Result:
        self.results.append(result)
        return result
