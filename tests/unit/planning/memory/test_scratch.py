"""The engine's allocator, played back: what it must hold, and what it may reuse."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stoker.planning.memory.scratch import Result, Space, aligned, peak_bytes
from stoker.planning.memory.tape import Tape


def test_what_is_needed_no_more_makes_room_for_what_comes() -> None:
    tape = Tape()
    last = tape.new(8)
    for _ in range(10):
        last = tape.new(8, last)
    assert peak_bytes(tape.results) == 2 * 32


def test_an_operation_in_its_place_takes_none_unless_its_source_is_needed_again() -> None:
    tape = Tape()
    first = tape.new(8)
    tape.over(8, first)
    assert peak_bytes(tape.results) == 32
    tape.new(8, first)
    assert peak_bytes(tape.results) == 96


def test_nothing_is_written_over_a_look_at_it_or_over_another_form() -> None:
    tape = Tape()
    tape.over(8, tape.view(tape.new(8)))
    assert peak_bytes(tape.results) == 64
    tape = Tape()
    tape.over(8, tape.new(16))
    assert peak_bytes(tape.results) == 96


def test_a_result_lives_as_long_as_any_look_at_it_is_needed() -> None:
    tape = Tape()
    first = tape.new(8)
    look = tape.view(first)
    between = tape.new(8, first)
    tape.new(8, look, between)
    assert peak_bytes(tape.results) == 3 * 32


def test_inputs_lie_there_from_the_start_each_until_its_last_use() -> None:
    tape = Tape()
    early = tape.new(8)
    given_ = tape.input(64)
    late = tape.new(8, early, given_)
    tape.new(16, late)
    assert peak_bytes(tape.results) == 64 + 32 + 32 + 0
    unused = Tape()
    unused.input(320)
    unused.new(8)
    assert peak_bytes(unused.results) == 352


def test_an_answer_stays_to_the_end_and_what_is_kept_outside_takes_nothing() -> None:
    tape = Tape()
    answer = tape.answer(8)
    tape.keep(answer)
    tape.new(8, tape.new(8, answer))
    assert peak_bytes(tape.results) == 3 * 32


def test_the_smallest_gap_that_holds_it_is_taken() -> None:
    space = Space()
    places = [space.take(size) for size in (64, 32, 128, 32, 96, 32)]
    for index, size in ((0, 64), (2, 128), (4, 96)):
        space.give(places[index], size)
    assert space.take(96) == places[4]
    assert space.take(32) == places[0]
    assert space.peak == 64 + 32 + 128 + 32 + 96 + 32


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9)), max_size=60))
def test_no_two_things_ever_lie_in_one_place(steps: list[tuple[bool, int]]) -> None:
    space = Space()
    held: list[tuple[int, int]] = []
    most = 0
    for takes, number in steps:
        if takes or not held:
            held.append((space.take(32 * number), 32 * number))
        else:
            space.give(*held.pop(number % len(held)))
        taken = sorted(held)
        assert all(at + size <= after for (at, size), (after, _) in pairwise(taken))
        most = max(most, sum(size for _, size in held))
    assert most <= space.peak
    for place in held:
        space.give(*place)
    assert space.take(1 << 20) == 0, "all that was free is one again"


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_a_chain_peaks_at_its_two_largest_neighbours_or_more(sizes: list[int]) -> None:
    tape = Tape()
    last: Result | None = None
    for size in sizes:
        last = tape.new(size, last)
    pairs = pairwise([0, *sizes])
    least = max(aligned(4 * one) + aligned(4 * two) for one, two in pairs)
    assert least <= peak_bytes(tape.results) <= sum(aligned(4 * size) for size in sizes)
