"""Labels cover nothing, as long as there is room for all of them."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from stoker.comparing.labels import Anchor, Box, place

AREA = Box(0, 0, 700, 300)


def anchor(name: str, x: float, y: float, half: float) -> Anchor:
    return Anchor(name, x, y, y - half, y + half)


SPREAD = st.lists(
    st.tuples(st.integers(0, 9), st.floats(60, 240), st.floats(0, 50)),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one[0],
).map(lambda ones: [anchor("q4_0", 40 + 65 * n, y, half) for n, y, half in ones])


@given(SPREAD)
def test_labels_cover_no_label_and_no_point(anchors: list[Anchor]) -> None:
    labels = place(anchors, AREA)
    assert not any(a.box.overlaps(b.box) for a, b in combinations(labels, 2))
    assert not any(label.box.overlaps(one.box) for label in labels for one in anchors)
    assert all(label.box.within(AREA) for label in labels)


CROWD = st.lists(
    st.tuples(st.floats(40, 600), st.floats(60, 240), st.floats(0, 50)), min_size=1, max_size=16
).map(lambda ones: [anchor(f"q{n}_0", *one) for n, one in enumerate(ones)])


@given(CROWD)
def test_a_label_that_covers_nothing_says_so_truly(anchors: list[Anchor]) -> None:
    labels = place(anchors, AREA)
    for at, label in enumerate(labels):
        if not label.covers:
            assert not any(label.box.overlaps(one.box) for one in anchors)
            assert not any(label.box.overlaps(other.box) for other in labels[:at])


def test_points_that_are_close_get_labels_apart() -> None:
    labels = place([anchor(f"q{n}_0", 200 + 24 * n, 150, 20) for n in range(4)], AREA)
    assert not any(label.covers for label in labels)
    assert len({label.box.top for label in labels}) > 1


def test_where_there_is_no_room_a_label_is_still_there_and_says_so() -> None:
    anchors = [anchor("a-rather-long-name", 20, 20, 5) for _ in range(40)]
    labels = place(anchors, Box(0, 0, 60, 40))
    assert len(labels) == 40
    assert any(label.covers for label in labels)


def test_boxes_that_share_an_edge_do_not_overlap() -> None:
    assert not Box(0, 0, 1, 1).overlaps(Box(1, 0, 2, 1))
    assert Box(0, 0, 2, 2).overlaps(Box(1, 1, 3, 3))
