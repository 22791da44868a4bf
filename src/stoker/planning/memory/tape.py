"""The outline of one step as it is written down: what is computed, from what, in which order.

Owns the few kinds of results that differ in how they take memory. What a model computes is for
`blocks` and `step`.
"""

from __future__ import annotations

from stoker.planning.memory.scratch import Result, aligned

FLOAT_BYTES = 4


class Tape:
    """Results in the order in which they are computed."""

    def __init__(self) -> None:
        self.results: list[Result] = []

    def input(self, size: int) -> Result:
        """What is given from outside, `size` in bytes."""
        return self._add(Result(aligned(size), input=True))

    def new(self, elements: int, *sources: Result | None) -> Result:
        """A result with a place of its own; `elements` are floats."""
        return self._floats(elements, sources)

    def over(self, elements: int, *sources: Result | None) -> Result:
        """A result that may be written over the first source that nobody needs any more."""
        return self._floats(elements, sources, inplace=True)

    def answer(self, elements: int, *sources: Result | None) -> Result:
        """The same, that stays to the end of the step."""
        return self._floats(elements, sources, inplace=True, output=True)

    def half(self, elements: int, source: Result) -> Result:
        """A copy in half precision."""
        return self._add(Result(aligned(FLOAT_BYTES * elements // 2), None, (source,)))

    def view(self, source: Result) -> Result:
        """Another look at `source`."""
        return self.written(source, source)

    def written(self, into: Result, *sources: Result) -> Result:
        """`into`, with `sources` written to a part of it."""
        root = into if into.root is None else into.root
        return self._add(Result(0, None, sources, root=root))

    def keep(self, *sources: Result | None) -> Result:
        """What is written to a place outside, such as a cache."""
        return self._add(Result(0, None, _there(sources), kept=True))

    def _floats(
        self,
        elements: int,
        sources: tuple[Result | None, ...],
        *,
        inplace: bool = False,
        output: bool = False,
    ) -> Result:
        size = aligned(FLOAT_BYTES * elements)
        return self._add(Result(size, elements, _there(sources), inplace=inplace, output=output))

    def _add(self, result: Result) -> Result:
        self.results.append(result)
        return result


def _there(sources: tuple[Result | None, ...]) -> tuple[Result, ...]:
    return tuple(one for one in sources if one is not None)
