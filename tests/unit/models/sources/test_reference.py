"""What names a source is read strictly, and written back as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import InvalidSourceError
from stoker.models.sources.reference import (
    HubReference,
    PathReference,
    RegistryReference,
    WebReference,
    check_digest,
    check_file_name,
    is_far,
    loosened,
    parse_reference,
    shown_source,
)

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("./a.gguf", PathReference(Path("a.gguf"))),
        ("folder", PathReference(Path("folder"))),
        ("https://h.example/a.gguf", WebReference("https://h.example/a.gguf")),
        (
            f"https://h.example/a.gguf#{DIGEST.replace(':', '=')}",
            WebReference("https://h.example/a.gguf", DIGEST),
        ),
        ("hf:Owner/Repo-GGUF", HubReference("Owner", "Repo-GGUF")),
        ("hf:o/r:Q4_K_M@main", HubReference("o", "r", "Q4_K_M", "main")),
        ("hf:o/r:sub/file.gguf", HubReference("o", "r", "sub/file.gguf")),
        ("ollama:m:1b", RegistryReference("ollama", "registry.ollama.ai", "library/m", "1b")),
        ("ollama:u/m", RegistryReference("ollama", "registry.ollama.ai", "u/m")),
        ("ollama:localhost:5000/u/m:t", RegistryReference("ollama", "localhost:5000", "u/m", "t")),
        ("oci:h.example/a/b:t", RegistryReference("oci", "h.example", "a/b", "t")),
        (
            f"oci:h.example/a:t@{DIGEST}",
            RegistryReference("oci", "h.example", "a", "t", DIGEST),
        ),
    ],
)
def test_each_form_is_read_as_it_is_meant(text: str, meant: object) -> None:
    assert parse_reference(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "a\0b",
        "a\\b",
        "a\nb",
        "x" * 4097,
        "ftp://h.example/a",
        "https://",
        "https://user:word@h.example/a",
        "https://h.example/../a",
        "https://h.example/%2e%2e/a",
        "https://h.example/a#md5=1",
        "https://h.example/a#sha256=../..",
        "https://h.example:port/a",
        "hf:owner",
        "hf:../repo",
        "hf:o/r:../secret",
        "hf:o/r:/etc/passwd",
        "hf:o/r@../x",
        "hf:o/r#commit=1",
        "ollama:../m",
        "ollama:m:../t",
        "oci:name",
        "oci:h.example/a@sha256:../..",
        "oci:h..example/a",
    ],
)
def test_what_is_of_no_form_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(InvalidSourceError) as caught:
        parse_reference(text)
    assert len(caught.value.message) < 400
    assert caught.value.message.isprintable()


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(InvalidSourceError) as caught:
        parse_reference("https://user:tops3cret@h.example/a")
    assert "tops3cret" not in caught.value.text


@pytest.mark.parametrize(
    "text",
    [
        "ftp://user:tops3cret@h.example/a",
        "https://h.example/../a?sig=tops3cret",
        "https://h.example/a?sig=tops3cret#md5=1",
        "https://h.example/a?\\tops3cret",
        "https://user:tops3cret@h.example:port/a",
        "https://h.example/a#sha256=?tops3cret",
    ],
)
def test_no_error_repeats_what_may_be_a_secret(text: str) -> None:
    with pytest.raises(InvalidSourceError) as caught:
        parse_reference(text)
    assert "tops3cret" not in caught.value.text


PIN = f"#{DIGEST.replace(':', '=')}"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("https://h.example/a.gguf?X-Amz-Signature=s3cret", "https://h.example/a.gguf"),
        (f"HTTP://h.example/a?s3cret{PIN}", f"http://h.example/a{PIN}"),
        ("hf:o/r:Q4_0@main", "hf:o/r:Q4_0@main"),
        (f"oci:h.example/a:t@{DIGEST}", f"oci:h.example/a:t@{DIGEST}"),
        ("/models/what?.gguf", "/models/what?.gguf"),
    ],
)
def test_a_source_is_shown_without_what_signs_it(text: str, seen: str) -> None:
    assert shown_source(text) == seen


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        reference = parse_reference(text)
    except InvalidSourceError:
        return
    if not isinstance(reference, PathReference):
        assert parse_reference(str(reference)) == reference


NAMES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)
HOSTS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)


@given(HOSTS, NAMES, NAMES, st.sampled_from([None, DIGEST]))
def test_a_pinned_registry_name_is_written_as_it_is_read(
    host: str, name: str, tag: str, digest: str | None
) -> None:
    for scheme in ("oci", "ollama"):
        meant = RegistryReference(scheme, f"{host}.example", name + "/x", tag, digest)
        assert parse_reference(str(meant)) == meant
        assert loosened(meant).digest is None


def test_only_what_has_a_scheme_is_far() -> None:
    assert not any(map(is_far, ("hf", "ollama", "oci", "https", "shop:v1", "./hf:a")))
    assert all(map(is_far, ("hf:o/r", "OCI:h/a", "https://h/a")))


def test_loosening_takes_only_the_pin() -> None:
    commit = "0" * 40
    pinned = parse_reference(f"hf:o/r:Q4_0@main#commit={commit}")
    assert isinstance(pinned, HubReference)
    assert pinned.commit == commit
    assert loosened(pinned) == HubReference("o", "r", "Q4_0", "main")


@pytest.mark.parametrize(
    "digest", ["sha256:" + "A" * 64, "sha256:../..", "md5:" + "a" * 64, DIGEST + "\n", None, 5]
)
def test_only_one_form_of_a_digest_is_taken(digest: object) -> None:
    with pytest.raises(InvalidSourceError):
        check_digest(digest, "It")


@pytest.mark.parametrize("name", ["", "/a", "a/../b", "..", "a//b", "./a", "a\0", "a\\b"])
def test_a_file_name_stays_inside(name: str) -> None:
    with pytest.raises(InvalidSourceError):
        check_file_name(name)


def test_a_file_in_a_folder_is_a_name() -> None:
    assert check_file_name("sub/model.gguf") == "sub/model.gguf"
