"""The picture is well-formed, holds every figure in words, and marks what is too much."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from stoker.cli.drawing.plan_plot import plot
from stoker.core.plan import Verdict
from stoker.core.proposal import Proposal, Resident
from stoker.core.units import format_bytes
from support.costing import straight_cost
from support.planning import answer, ask

SVG = "{http://www.w3.org/2000/svg}"
COST = straight_cost(60, (0.1, 0.1, 0.1), 0.3, asked=100, most=(700, 900, 1100))


def drawn(*proposals: Proposal) -> ET.Element:
    return ET.fromstring(plot(Resident(proposals, 0, 0, Verdict.FITS)))  # noqa: S314 - our own


def test_memory_is_told_in_words_and_drawn() -> None:
    proposal = answer(ask("Llama-3.1-8B", "laptop"))
    picture = drawn(proposal)
    words = picture.findtext(f"{SVG}desc") or ""
    assert format_bytes(proposal.need.weights_bytes) in words
    assert format_bytes(proposal.available_bytes) in words
    classes = [one.get("class") for one in picture.iter(f"{SVG}rect")]
    assert {"p0", "p1", "p2", "p3", "free"} <= set(classes)
    assert not [one for one in picture.iter(f"{SVG}line") if one.get("class") == "limit"]


def test_what_is_too_much_is_marked() -> None:
    picture = drawn(answer(ask("Llama-3.1-8B", "busy")))
    assert [one for one in picture.iter(f"{SVG}line") if one.get("class") == "limit"]


def test_a_split_has_a_bar_for_each_device() -> None:
    """Each against what is available there, so that neither runs over."""
    picture = drawn(answer(ask("Llama-3.1-70B", "gaming", gpus=True)))
    words = picture.findtext(f"{SVG}desc") or ""
    assert words.count("of 56 GiB available") == words.count("on cpu") == 1
    assert words.count("of 23 GiB available") == words.count("on gpu0") == 1
    assert not [one for one in picture.iter(f"{SVG}line") if one.get("class") == "limit"]


def test_the_break_even_is_drawn_where_both_costs_are_known() -> None:
    proposal = replace(answer(ask()), cost=COST)
    picture = drawn(proposal)
    texts = [one.text or "" for one in picture.iter(f"{SVG}text")]
    assert any("maker/model" in text for text in texts)
    assert {"asked: 100 a day", "break-even: 300 a day", "capacity: 900 a day"} <= set(texts)
    height = float(picture.get("height") or 0)
    ends = [float(one.get("y2") or 0) for one in picture.iter(f"{SVG}line")]
    assert all(0 <= end <= height for end in ends)


@pytest.mark.parametrize("asked", [1.0, 100.0, 1e6])
def test_the_curves_stay_within_the_picture(asked: float) -> None:
    cost = straight_cost(60, (0.05, 0.1, 0.15), 0.3, asked, (700, 900, 1100))
    picture = drawn(replace(answer(ask()), cost=cost))
    wide, high = float(picture.get("width") or 0), float(picture.get("height") or 0)
    lines = [*picture.iter(f"{SVG}polyline"), *picture.iter(f"{SVG}polygon")]
    assert len(lines) == 3
    for place in " ".join(line.get("points") or "" for line in lines).split():
        x, y = map(float, place.split(","))
        assert 0 <= x <= wide
        assert 0 <= y <= high


@pytest.mark.parametrize("missing", ["local_curve", "api_curve"])
def test_without_a_figure_there_is_no_chart(missing: str) -> None:
    picture = drawn(replace(answer(ask()), cost=replace(COST, **{missing: None})))
    assert not list(picture.iter(f"{SVG}polygon"))


def test_names_are_escaped() -> None:
    proposal = replace(answer(ask()), quantization='<b>&"')
    assert "<b>" not in plot(Resident((proposal,), 0, 0, Verdict.FITS))
