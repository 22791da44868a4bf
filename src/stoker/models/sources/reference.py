"""What a person writes for a model's source, read into one of four forms. Pure.

Owns the grammar and its bounds; what lies there is for the modules named after each source.
A form's text may pin what was found (`#commit=`, `@sha256:`, `#sha256=`); `loosened` takes that
away again, so that the source can be asked whether it has something newer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from stoker.core.errors import InvalidSourceError
from stoker.models.download.hops import shown

TEXT_MAX_BYTES = 4096
OLLAMA_HOST = "registry.ollama.ai"
_FAR = frozenset({"hf", "ollama", "oci", "http", "https"})
_SHOWN = 80
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,254}")
_SECRET = re.compile(r"(?<=//)[^/]*(?=@)|(?<=\?).+", re.DOTALL)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class PathReference:
    """A file, or a folder that holds one."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class WebReference:
    """One file at an address; `digest` is what its bytes must hash to, or None."""

    url: str
    digest: str | None = None

    def __str__(self) -> str:
        return f"{self.url}#{self.digest.replace(':', '=', 1)}" if self.digest else self.url


@dataclass(frozen=True, slots=True)
class HubReference:
    """A repository of Hugging Face; `choice` is a quantization or a file of it.

    `revision` is what the person asked for, `commit` what was found there.
    """

    owner: str
    repo: str
    choice: str | None = None
    revision: str | None = None
    commit: str | None = None

    def __str__(self) -> str:
        choice = f":{self.choice}" if self.choice else ""
        revision = f"@{self.revision}" if self.revision else ""
        commit = f"#commit={self.commit}" if self.commit else ""
        return f"hf:{self.owner}/{self.repo}{choice}{revision}{commit}"


@dataclass(frozen=True, slots=True)
class RegistryReference:
    """A model in a registry: `scheme` is `ollama` or `oci`, `name` has its namespaces."""

    scheme: str
    host: str
    name: str
    tag: str = "latest"
    digest: str | None = None

    def __str__(self) -> str:
        known = self.scheme == "ollama" and self.host == OLLAMA_HOST
        name = self.name.removeprefix("library/") if known else self.name
        where = name if known else f"{self.host}/{name}"
        return f"{self.scheme}:{where}:{self.tag}{f'@{self.digest}' if self.digest else ''}"


Reference = PathReference | WebReference | HubReference | RegistryReference


def parse_reference(text: str) -> Reference:
    """What `text` names: `hf:`, `ollama:`, `oci:`, `http(s)://`, otherwise a path.

    Raises:
        InvalidSourceError: the text is too long, has characters or steps that no source needs, or
            is not of its scheme's form; the message says which.
    """
    _check_text(text)
    scheme, colon, rest = text.partition(":")
    if colon and rest.startswith("//"):
        return _web(text)
    readers: dict[str, Callable[[str], Reference]] = {"hf": _hub, "ollama": _ollama, "oci": _oci}
    reader = readers.get(scheme.lower() if colon else "")
    return reader(rest) if reader is not None else PathReference(Path(text))


def is_far(text: str) -> bool:
    """Whether `text` has the form of a source that lies elsewhere."""
    scheme, colon, _ = text.partition(":")
    return bool(colon) and scheme.lower() in _FAR


def shown_source(text: str) -> str:
    """The source `text` as people and programs may see it: an address without its query.

    What signs an address is as good as a password; a manifest keeps it, and nobody is shown it.
    """
    address, mark, pin = text.partition("#")
    is_web = address.lower().startswith(("http://", "https://"))
    return f"{shown(address)}{mark}{pin}" if is_web else text


def loosened(reference: Reference) -> Reference:
    """`reference` without what pins it, to ask its source for the present state."""
    match reference:
        case HubReference():
            return replace(reference, commit=None)
        case WebReference() | RegistryReference():
            return replace(reference, digest=None)
        case PathReference():
            return reference


def is_pinned(reference: Reference) -> bool:
    """Whether `reference` means the same bytes for ever: an address without a digest does not."""
    match reference:
        case HubReference(commit=pin):
            return pin is not None
        case WebReference(digest=pin) | RegistryReference(digest=pin):
            return pin is not None
        case PathReference():
            return False


def check_digest(digest: object, what: str) -> str:
    """`digest` itself, which is `sha256:` and 64 lower-case hexadecimal digits.

    Raises:
        InvalidSourceError: it is anything else, so that it can never be used as a path.
    """
    if not isinstance(digest, str) or _DIGEST.fullmatch(digest) is None:
        raise InvalidSourceError(
            f"{what}: {_short(str(digest))} is not a digest",
            hint="a digest is sha256: and 64 digits of 0-9 and a-f",
        )
    return digest


def check_file_name(name: str) -> str:
    """`name` itself, a relative path that stays where it is put.

    Raises:
        InvalidSourceError: it is empty, absolute, or has a step up or a character to deceive with.
    """
    _check_text(name)
    if any(step in {"", ".", ".."} for step in name.split("/")):
        raise _refused(name, "is not the name of a file inside")
    return name


def _check_text(text: str) -> None:
    if not text.strip():
        raise InvalidSourceError("The source is empty")
    if len(text.encode(errors="replace")) > TEXT_MAX_BYTES:
        raise _refused(text, f"is longer than {TEXT_MAX_BYTES} bytes")
    if "\0" in text:
        raise _refused(text, "holds a NUL character")
    if "\\" in text:
        raise _refused(text, "holds a backslash")
    if not text.isprintable():
        raise _refused(text, "holds a control character")


def _web(text: str) -> WebReference:
    address, mark, fragment = text.partition("#")
    parts = _split(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise _refused(text, "is not an http or https address")
    if parts.username is not None or parts.password is not None:
        raise InvalidSourceError(
            "The address holds a user's name or password", hint="an address is kept; leave it out"
        )
    if _climbs(parts.path):
        raise _refused(text, "has a step up (..)")
    if not mark:
        return WebReference(address)
    if not fragment.startswith("sha256="):
        raise _refused(text, "ends in something other than #sha256=")
    return WebReference(address, check_digest(fragment.replace("=", ":", 1).lower(), "The address"))


def _split(address: str) -> _Parts:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise _refused(address, "is not an address") from None
    return _Parts(parts.scheme, parts.hostname, parts.path, parts.username, parts.password)


@dataclass(frozen=True, slots=True)
class _Parts:
    scheme: str
    hostname: str | None
    path: str
    username: str | None
    password: str | None


def _hub(rest: str) -> HubReference:
    body, mark, pin = rest.partition("#")
    commit = pin.removeprefix("commit=") if mark else None
    if commit is not None and _COMMIT.fullmatch(commit) is None:
        raise _refused(rest, "ends in something other than #commit= and 40 digits")
    body, at, revision = body.partition("@")
    if at and (_REVISION.fullmatch(revision) is None or _climbs(revision)):
        raise _refused(revision, "is not a revision")
    repository, colon, choice = body.partition(":")
    owner, slash, repo = repository.partition("/")
    if not slash or any(not _is_part(part) for part in (owner, repo)):
        raise _refused(repository, "is not owner/repo")
    if colon:
        check_file_name(choice)
    return HubReference(owner, repo, choice or None, revision or None, commit)


def _ollama(rest: str) -> RegistryReference:
    first, slash, _ = rest.partition("/")
    has_host = bool(slash) and _looks_like_host(first)
    found = _registry("ollama", rest if has_host else f"{OLLAMA_HOST}/{rest}")
    return found if "/" in found.name else replace(found, name=f"library/{found.name}")


def _oci(rest: str) -> RegistryReference:
    return _registry("oci", rest)


def _registry(scheme: str, rest: str) -> RegistryReference:
    body, at, digest = rest.partition("@")
    host, slash, path = body.partition("/")
    if not slash or _HOST.fullmatch(host) is None or ".." in host:
        raise _refused(rest, "is not host/name:tag")
    name, colon, tag = path.partition(":")
    if any(not _is_part(part) for part in name.split("/")):
        raise _refused(name, "is not a name in a registry")
    if colon and (_TAG.fullmatch(tag) is None or ".." in tag):
        raise _refused(tag, "is not a tag")
    pinned = check_digest(digest, "The source") if at else None
    return RegistryReference(scheme, host, name, tag or "latest", pinned)


def _looks_like_host(text: str) -> bool:
    return "." in text or ":" in text or text == "localhost"


def _is_part(text: str) -> bool:
    return _PART.fullmatch(text) is not None and ".." not in text


def _climbs(path: str) -> bool:
    return ".." in path.lower().replace("%2e", ".").replace("%2f", "/").split("/")


def _refused(text: str, why: str) -> InvalidSourceError:
    return InvalidSourceError(f"{_short(text)} {why}")


def _short(text: str) -> str:
    """`text` for an error: what may be a password or sign an address is left out."""
    told = _SECRET.sub("...", text)
    return ascii(told if len(told) <= _SHOWN else f"{told[:_SHOWN]}...")
