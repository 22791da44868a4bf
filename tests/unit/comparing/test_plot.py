"""The picture is well-formed, holds every candidate, and tells its figures in words."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from stoker.comparing.labels import Box, width_of
from stoker.comparing.plot import plot
from stoker.comparing.report import Report, Row

SVG = "{http://www.w3.org/2000/svg}"


def drawn(report: Report) -> ET.Element:
    return ET.fromstring(plot(report))  # noqa: S314 - it is our own


def texts(root: ET.Element, kind: str) -> list[ET.Element]:
    return [one for one in root.iter(f"{SVG}text") if kind in one.get("class", "").split()]


def test_each_panel_names_its_candidates(report: Report) -> None:
    names = [one.text for one in texts(drawn(report), "name")]
    assert names == ["f16", "q8_0", "q2", "q8_0", "q2"]


def test_the_words_say_what_the_picture_shows(report: Report) -> None:
    root = drawn(report)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title desc"
    said = root.find(f"{SVG}desc")
    assert said is not None
    assert said.text is not None
    assert "q2: 2 MiB, 50.0 % right (95 % interval 35.2 to 64.8)" in said.text
    assert "mean KL divergence 400 thousandths of a nat" in said.text


def test_a_hostile_name_stays_text(report: Report) -> None:
    report.rows[1].name = '<script x="&">'
    assert "<script" not in plot(report)
    assert '<script x="&">' in [one.text for one in texts(drawn(report), "name")]


def test_both_schemes_have_their_colours_for_every_class(report: Report) -> None:
    root = drawn(report)
    style = root.find(f"{SVG}style")
    assert style is not None
    assert style.text is not None
    light, dark = style.text.split("@media (prefers-color-scheme: dark)")
    used = {word for one in root.iter() for word in one.get("class", "").split()}
    for name in used - {"head", "name"}:
        assert f".{name} {{" in light
        assert f".{name} {{" in dark


def test_nothing_measured_is_an_empty_picture(report: Report) -> None:
    report.rows = [Row("f16", "shop", "F16")]
    report.verdict = None
    assert texts(drawn(report), "name") == []


def test_without_text_there_is_one_panel(report: Report) -> None:
    for row in report.rows:
        row.text = None
    root = drawn(report)
    assert len(texts(root, "head")) == 1
    assert int(root.get("height", "0")) < 350


def test_the_chosen_one_has_a_ring_in_each_panel_and_in_the_key(report: Report) -> None:
    rings = [one for one in drawn(report).iter(f"{SVG}circle") if one.get("class") == "chosen"]
    assert len(rings) == 3


def many(report: Report, name: str, growth: float) -> list[ET.Element]:
    """The labels of sixteen candidates, each so many times as large as the one before."""
    one = report.rows[1]
    report.rows = [
        replace(one, name=f"{name}{n}", file_bytes=int(2e6 * growth**n)) for n in range(16)
    ]
    report.base = f"{name}0"
    return texts(drawn(report), "name")


@pytest.mark.parametrize(("name", "growth"), [("q", 1.12), ("a-long-name-", 1.12), ("q", 1.01)])
def test_sixteen_candidates_have_labels_that_do_not_overlap(
    report: Report, name: str, growth: float
) -> None:
    boxes = [_box(text) for text in many(report, name, growth)]
    assert len(boxes) == 32
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_where_names_have_no_room_numbers_stand_for_them(report: Report) -> None:
    labels = many(report, "a-long-name-", 1.05)
    assert {one.text for one in labels} == {str(n) for n in range(1, 17)}
    said = [one.text for one in drawn(report).iter(f"{SVG}text")]
    assert "16  a-long-name-15" in said


def test_all_that_is_drawn_lies_on_the_paper(report: Report) -> None:
    root = drawn(report)
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    for one in root.iter():
        for name, most in (("x", width), ("x1", width), ("x2", width), ("y", height)):
            assert 0 <= float(one.get(name, "0")) <= most
    assert not re.search(r"nan|inf", plot(report))


def _box(text: ET.Element) -> Box:
    x, y = float(text.get("x", "0")), float(text.get("y", "0"))
    half = width_of(text.text or "") / 2
    return Box(x - half, y - 11, x + half, y + 4)
