"""The chart shows both lines, where they cross and the marks, and never leaves its width."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.cli.drawing.cost_chart import HEIGHT, WIDTH_LEAST, WIDTH_MOST, chart_lines, draw
from stoker.cli.drawing.cost_curves import curves_of
from stoker.cli.drawing.glyphs import ASCII, UNICODE, Glyphs
from stoker.core.costs import Cost
from support.costing import straight_cost

NEAR = straight_cost(60, (0.02, 0.03, 0.05), 0.15, asked=300, most=(700, 900, 1100))
FAR = straight_cost(150, (0.001, 0.002, 0.004), 0.03, asked=40, most=(9000, 20000, 40000))
NEAR_DRAWN = """
Dollars a month by requests a day
$250 +
     |                                                      oooo
$200 +                                                oooooo
     |                                          oooooo
$150 +                                   ooooooo
     |                             oooooo
$100 +                     ::oooooo::::::
     |  ::###############X###############
 $50 +####:     oooooo
     |    oooooo
  $0 +oooo
     ++----------^------=X====----------v---+------------------+
      0                 500               1,000
# here   o maker/model
X break-even 500 requests a day (460 to 600)   ^ asked 300 a day
v capacity 900 a day (700 to 1,100)
"""
FAR_DRAWN = """
Dollars a month by requests a day, both by powers of ten
$1,000 ┤                                                      ╌╌
       │                                               ╌╌╌╌╌╌╌
       │                  ░░░░░━━━━━━━━━━━━━━━━━━◆━━━━━━━━━
  $100 ┤━━━━━━━━━━━━━━━━━━━━━━━░░░░░      ╌╌╌╌╌╌╌
       │                            ╌╌╌╌╌╌
   $10 ┤                      ╌╌╌╌╌╌
       │               ╌╌╌╌╌╌╌
       │         ╌╌╌╌╌╌
 $1.00 ┤  ╌╌╌╌╌╌╌
       │╌╌
       └──────▲──────┬───────────────┬───────────◆───┬────▼─────
                    100            1,000          10,000
━ here   ╌ maker/model
◆ break-even 5,400 requests a day (5,200 to 5,800)
▲ asked 40 a day   ▼ capacity 20,000 a day (9,000 to 40,000)
"""
MONEY, MARK = st.floats(0, 1e6), st.floats(1e-3, 1e9)


def drawn(cost: Cost, width: int, glyphs: Glyphs = ASCII) -> list[str]:
    curves = curves_of(cost)
    assert curves is not None
    return draw(curves, width, glyphs)


def test_near_marks_on_straight_axes() -> None:
    assert drawn(NEAR, 64) == NEAR_DRAWN.strip().splitlines()


def test_marks_decades_apart_on_axes_by_powers_of_ten() -> None:
    assert drawn(FAR, 64, UNICODE) == FAR_DRAWN.strip().splitlines()


def test_it_stands_below_an_empty_line_and_not_at_all_without_figures() -> None:
    assert chart_lines(NEAR, 80, ASCII) == ["", *drawn(NEAR, 80)]
    assert chart_lines(replace(NEAR, api_curve=None), 80, ASCII) == []
    assert chart_lines(NEAR, WIDTH_LEAST - 1, ASCII) == []


def test_it_is_no_wider_than_is_read_with_ease() -> None:
    assert max(map(len, drawn(NEAR, 300))) <= WIDTH_MOST
    assert drawn(NEAR, 300) == drawn(NEAR, WIDTH_MOST)


@pytest.mark.parametrize(("cost", "glyphs"), [(NEAR, ASCII), (FAR, UNICODE)])
def test_every_mark_is_on_the_chart_and_in_the_words(cost: Cost, glyphs: Glyphs) -> None:
    lines = drawn(cost, 80, glyphs)
    axis = next(line for line in lines if glyphs.corner + glyphs.lying in line)
    assert all(mark in axis for mark in (glyphs.even, glyphs.asked, glyphs.most))
    words = " ".join(lines[-3:])
    for word in ("here", "maker/model", "break-even", "asked", "capacity"):
        assert word in words


def test_without_a_break_even_none_is_marked() -> None:
    lines = drawn(straight_cost(60, (0.2, 0.2, 0.2), 0.1, 300, (700, 900, 1100)), 80, UNICODE)
    assert not any(UNICODE.even in line for line in lines)


@given(
    MONEY,
    st.tuples(MONEY, MONEY, MONEY),
    MONEY,
    st.just(0.0) | MARK,
    st.tuples(MARK, MARK, MARK),
    st.integers(WIDTH_LEAST, 160),
    st.text(min_size=1, max_size=120),
    st.sampled_from([ASCII, UNICODE]),
)
def test_every_line_stays_within_the_width(  # noqa: PLR0913, PLR0917 - one for each dimension
    fixed: float,
    each: tuple[float, float, float],
    api: float,
    asked: float,
    most: tuple[float, float, float],
    width: int,
    name: str,
    glyphs: Glyphs,
) -> None:
    low, middle, high = sorted(each)
    first, second, third = sorted(most)
    cost = straight_cost(fixed, (low, middle, high), api, asked, (first, second, third))
    lines = drawn(replace(cost, api_reference=name), width, glyphs)
    assert max(map(len, lines)) <= min(width, WIDTH_MOST)
    assert HEIGHT <= len(lines) <= 2 * HEIGHT + 4
