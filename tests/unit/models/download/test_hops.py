"""Where a redirect may lead, and what goes along."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import InvalidSourceError, SourceUnsafeError
from stoker.models.download.hops import Hop, first_hop, harmless, next_hop, shown

SECRETS = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Key": "k", "Accept": "text/x"}
HERE = Hop("https://host.test/a/b?token=1", SECRETS)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/c", "https://host.test/c"),
        ("c?x=1#part", "https://host.test/a/c?x=1"),
        ("https://host.test:443/c", "https://host.test:443/c"),
        ("HTTPS://HOST.TEST/c", "https://HOST.TEST/c"),
    ],
)
def test_the_same_origin_gets_everything(location: str, url: str) -> None:
    hop = next_hop(HERE, location)
    assert hop.url == url
    assert hop.headers == SECRETS


@pytest.mark.parametrize(
    "location",
    [
        "https://other.test/c",
        "https://host.test:8443/c",
        "//other.test/c",
        "https://host.test.other.test/",
    ],
)
def test_another_origin_gets_no_secret_whatever_it_is_called(location: str) -> None:
    hop = next_hop(HERE, location)
    assert hop.headers == {"Accept": "text/x"}
    assert next_hop(hop, "https://host.test/a").headers == {"Accept": "text/x"}


def test_another_scheme_is_another_origin() -> None:
    hop = next_hop(Hop("http://host.test/a", SECRETS), "https://host.test/a")
    assert hop.headers == {"Accept": "text/x"}


@pytest.mark.parametrize(
    "location",
    [
        *(None, "", "http://host.test/c", "ftp://host.test/c", "file:///etc/passwd"),
        *("https://user:pass@host.test/", "https://user@host.test/"),
        *("https://host.test\\@other.test/", "https://host.test/\x00", "https://host.test:99999/"),
        *("https://[::1/", "https://host.test/" + "a" * 9000, "javascript:alert(1)"),
    ],
)
def test_what_is_not_safe_is_not_followed(location: str | None) -> None:
    with pytest.raises(SourceUnsafeError) as caught:
        next_hop(HERE, location)
    assert "token" not in caught.value.text
    assert "pass" not in caught.value.message.replace("a password", "")


@given(st.text(max_size=60))
def test_a_redirect_is_refused_or_leads_to_https_without_a_password(location: str) -> None:
    try:
        hop = next_hop(HERE, location)
    except SourceUnsafeError:
        return
    assert hop.url.lower().startswith("https://")
    assert "@" not in hop.url.partition("//")[2].partition("/")[0]
    if not hop.url.startswith("https://host.test/"):
        assert "Authorization" not in hop.headers or "host.test" in hop.url.lower()


def test_a_source_asks_for_web_addresses_only() -> None:
    assert first_hop("http://[::1]:80/a").url == "http://[::1]:80/a"
    for url in ("ftp://a/b", "https://", "/a", "http://a:b/"):
        with pytest.raises(InvalidSourceError):
            first_hop(url)


def test_an_address_is_shown_without_its_query_and_its_password() -> None:
    assert shown("https://me:pw@host.test:8/a.gguf?sig=x#y") == "https://host.test:8/a.gguf"
    assert len(shown("https://host.test/" + "a" * 4000)) < 200
    assert "sig" not in repr(Hop("https://h/a", {"Authorization": "sig"}))


def test_names_of_headers_have_no_case() -> None:
    assert harmless({"AUTHORIZATION": "x", "aCCept": "y"}) == {"aCCept": "y"}
