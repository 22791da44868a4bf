"""What an answer's headers say, and what they must not."""

from __future__ import annotations

import contextlib
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import SourceUnsafeError
from stoker.models.download.answers import (
    ContentRange,
    Validators,
    check_not_encoded,
    content_length,
    content_range,
    http_date,
    unsatisfied_size,
    validators,
)
from stoker.models.download.failures import retry_after_s

DATE, EARLIER = formatdate(1_700_000_000, usegmt=True), formatdate(1_600_000_000, usegmt=True)


def test_a_range_is_read() -> None:
    found = content_range({"Content-Range": "bytes 5-9/20", "Content-Length": "5"}, "here")
    assert found == ContentRange(5, 10, 20)
    assert content_range({"Content-Range": "bytes 0-0/*"}, "here") == ContentRange(0, 1, None)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Range": "bytes 9-5/20"},
        {"Content-Range": "bytes 0-20/20"},
        {"Content-Range": "bytes 0-4/20", "Content-Length": "6"},
        {"Content-Range": "items 0-4/20"},
        {"Content-Range": "bytes 0-4/20, bytes 6-7/20"},
        {"Content-Range": "bytes 0-4/" + "9" * 30},
        {"Content-Range": "bytes -1-4/20"},
    ],
)
def test_a_range_that_cannot_be_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(SourceUnsafeError):
        content_range(headers, "here")


@given(st.text(max_size=40))
def test_no_header_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(SourceUnsafeError):
        assert content_range({"Content-Range": text}, "here").start >= 0
    assert unsatisfied_size({"Content-Range": text}) is None or text.strip().startswith("bytes *")
    validators({"ETag": text, "Last-Modified": text, "Date": text})


def test_a_length_is_a_number() -> None:
    assert content_length({"Content-Length": "12"}, "here") == 12
    assert content_length({}, "here") is None
    for text in ("-1", "1e3", "", "1" * 30):
        with pytest.raises(SourceUnsafeError):
            content_length({"Content-Length": text}, "here")


def test_an_encoded_file_is_refused() -> None:
    check_not_encoded({"Content-Encoding": "identity"}, "here")
    for headers in ({"Content-Encoding": "gzip"}, {"Content-Type": "multipart/byteranges; x=y"}):
        with pytest.raises(SourceUnsafeError):
            check_not_encoded(headers, "here")


def test_a_date_tells_states_apart_only_if_it_was_old_enough() -> None:
    old = validators({"Last-Modified": EARLIER, "Date": DATE})
    assert old.if_range == EARLIER
    assert validators({"Last-Modified": DATE, "Date": DATE}).if_range == ""
    assert validators({"Last-Modified": EARLIER}).if_range == ""
    assert validators({"ETag": "x" * 5000}).if_range == ""


DATES = {
    "Mon, 01 Jan 2024 00:00:00 GMT": 1_704_067_200.0,
    "Mon, 01 Jan 2024 00:00:00 -0000": 1_704_067_200.0,
    "Mon, 01 Jan 2024 02:00:00 +0200": 1_704_067_200.0,
    "Mon, 01 Jan 2024 00:00:00": 1_704_067_200.0,
    "Mon, 01 Jan 2024 00:00:00 +99999999999999999999": None,
    "Mon, 01 Jan 2024 00:00:00 +9999": None,
    "Mon, 01 Jan 99999 00:00:00 GMT": None,
    "Mon, 99 Jan 2024 00:00:00 GMT": None,
    "tomorrow": None,
    "": None,
}


@pytest.mark.parametrize("text", DATES)
def test_a_date_is_read_or_none(text: str) -> None:
    assert http_date(text) == DATES[text]


NUMBERS = st.integers(-(10**24), 10**24).map(str)
LIKE_DATES = st.one_of(
    st.text(max_size=40),
    st.builds(
        "{} {} Jan {} {}:{}:{} {}{}".format,
        st.sampled_from(["Mon,", "", "Day"]),
        *[NUMBERS] * 5,
        st.sampled_from(["+", "-", "GMT", "EST "]),
        NUMBERS,
    ),
)


@given(LIKE_DATES, LIKE_DATES)
def test_no_date_breaks_the_reader(text: str, other: str) -> None:
    found = http_date(text)
    assert found is None or isinstance(found, float)
    assert (retry_after_s(text, 0.0) or 0.0) >= 0.0
    assert validators({"Last-Modified": text, "Date": other}).last_modified in {text, ""}


def test_a_weak_tag_asks_for_no_range_and_still_tells_a_change() -> None:
    weak = Validators('W/"a"', EARLIER)
    assert weak.if_range == EARLIER
    assert not weak.contradict(Validators('"a"'))
    assert weak.contradict(Validators('"b"'))
    assert Validators("", EARLIER).contradict(Validators("", DATE))
    assert not Validators('"a"').contradict(Validators("", DATE))


def test_a_size_is_told_where_a_range_is_refused() -> None:
    assert unsatisfied_size({"Content-Range": "bytes */12"}) == 12
    assert unsatisfied_size({}) is None
