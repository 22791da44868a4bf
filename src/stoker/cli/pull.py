"""`stoker pull`: a model from its source into the store."""

from __future__ import annotations

import asyncio
import shlex
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from stoker.cli.options import json_option
from stoker.cli.storing import open_store
from stoker.core.errors import InvalidModelNameError, StokerError
from stoker.core.model import ModelRef
from stoker.core.units import format_bytes
from stoker.models.sources.reference import (
    PathReference,
    Reference,
    WebReference,
    loosened,
    parse_reference,
    shown_source,
)

if TYPE_CHECKING:
    from stoker.cli.terminal.pull_display import Display
    from stoker.models.pulling.changes import Change, State
    from stoker.models.pulling.pull import Pulled, Resolved
    from stoker.models.storing.manifest import Manifest

_SHORT = len("sha256:") + 12


@click.command("pull", short_help="Fetch a model into the store.")
@click.argument("ref", metavar="REF")
@click.option("--as", "name", metavar="NAME", help="What it is called here: name or name:tag.")
@click.option("--yes", is_flag=True, help="Let NAME mean the new model without asking.")
@json_option
def command(ref: str, *, name: str | None, yes: bool, as_json: bool) -> None:
    """Fetch a model into the store.

    REF is an address, with #sha256= where the digest is known; hf:owner/repo, with :QUANTIZATION
    or :FILE, and @REVISION; ollama:name:tag; oci:host/name:tag; a .gguf file, or a folder with
    one; or a stored name, which is pulled anew from where it came from. Of a split model any part
    will do. What breaks off is kept, and the same command goes on from there. Every byte is
    verified, and what is no model is refused. A name that means another model is changed only
    after asking, or with --yes.

    \b
    Examples:
      stoker pull https://example.org/models/shop-q8_0.gguf --as shop
      stoker pull hf:owner/repo:Q4_K_M
      stoker pull ollama:name:tag --json
      stoker pull ./my-model.gguf --as mine --yes
      stoker pull mine
    """
    from stoker.cli.terminal.pull_display import display_for  # noqa: PLC0415 - help must stay light

    display = display_for(as_json=as_json)
    try:
        reference, stored = _meant(ref)
        wanted = ModelRef.parse(name) if name is not None else stored
        talk = _Talk(display, named=wanted is not None, yes=yes, as_json=as_json)
        pulled = asyncio.run(_pull(reference, wanted, talk))
    except KeyboardInterrupt:
        display.interrupted(_again(ref, name))
        raise
    except StokerError as error:
        display.broke_off(error)
        raise
    display.done(describe(pulled), _sentence(pulled))
    if pulled.left_bytes and not as_json:
        left = format_bytes(pulled.left_bytes)
        click.echo(f"{left} of what it meant before stay on the disk until `stoker gc`.", err=True)


def _meant(text: str) -> tuple[Reference, ModelRef | None]:
    """The source that `text` names; for a stored name, that name and where it came from.

    A digest that the person gave with an address still holds.

    Raises:
        InvalidSourceError: it names nothing, or its source cannot be read any more.
    """
    reference = parse_reference(text)
    if not isinstance(reference, PathReference) or reference.path.expanduser().exists():
        return reference, None
    with suppress(InvalidModelNameError):
        ref = ModelRef.parse(text)
        if (manifest := open_store().find(ref)) is not None:
            source = parse_reference(manifest.source)
            return source if isinstance(source, WebReference) else loosened(source), ref
    return reference, None


def describe(pulled: Pulled) -> dict[str, Any]:
    """What the last line of `pull --json` says, `event` aside; sizes in bytes."""
    manifest = pulled.manifest
    return {
        "model": str(manifest.ref),
        "changed": pulled.changed,
        "source": shown_source(manifest.source),
        "bytes": manifest.size_bytes,
        "digests": [layer.digest for layer in manifest.layers],
        "quantization": manifest.facts.get("quantization"),
        "parameters": manifest.facts.get("parameters"),
    }


async def _pull(reference: Reference, ref: ModelRef | None, talk: _Talk) -> Pulled:
    from stoker.models.download.client import HttpClient  # noqa: PLC0415 - a web library
    from stoker.models.download.tuning import keep_freed_memory  # noqa: PLC0415
    from stoker.models.pulling.pull import Audience, Pull  # noqa: PLC0415

    keep_freed_memory()
    audience = Audience(talk.display.hear, talk.resolved, talk.agree)
    async with HttpClient(told=talk.display.hear) as client:
        return await Pull(reference, ref, open_store(), audience).run(client)


class _Talk:
    """What is said to the person before bytes move, and what is asked."""

    def __init__(self, display: Display, *, named: bool, yes: bool, as_json: bool) -> None:
        self.display = display
        self._named = named
        self._yes = yes
        self._as_json = as_json

    def resolved(self, found: Resolved) -> None:
        """Say what will be fetched, and under which name it will be kept."""
        files = [
            {"name": file.name, "bytes": file.size_bytes, "digest": file.digest, "kind": file.kind}
            for file in found.offer.files
        ]
        document = {
            "source": shown_source(found.offer.source),
            "model": str(found.ref),
            "files": files,
        }
        chosen = "" if self._named else " (--as NAME calls it otherwise)"
        self.display.resolved(document, f"{_intent(found)} as {found.ref}{chosen}")
        for note in found.offer.notes:
            self.display.say(f"note: {note}")

    def agree(self, change: Change) -> bool:
        """Show what a name would mean, and ask whether it shall."""
        self.display.changing(_change_document(change), _change_lines(change))
        if self._yes:
            return True
        if self._as_json or not _can_ask():
            return False
        return click.confirm(f"Shall {change.ref} mean the new one?", err=True)


def _intent(found: Resolved) -> str:
    """What will be done with the files: those that are here are not fetched."""
    if all(found.here):
        return "Already here: kept"
    missing = found.missing_bytes
    return (
        f"Fetching {'a file whose size is not told' if missing is None else format_bytes(missing)}"
    )


def _can_ask() -> bool:
    """Whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _change_document(change: Change) -> dict[str, Any]:
    """What a program is told of a change; sizes in bytes."""
    return {
        "model": str(change.ref),
        "change": {
            "now": _state_document(change.old),
            "then": _state_document(change.new),
            "differing": {key: list(pair) for key, pair in change.differing.items()},
        },
    }


def _state_document(state: State) -> dict[str, Any]:
    return {
        "digests": list(state.digests),
        "bytes": state.size_bytes,
        "source": shown_source(state.source),
    }


def _change_lines(change: Change) -> list[str]:
    """Old and new beside each other: digests, sizes, and those facts that differ."""
    old, new = change.old, change.new
    lines = [
        f"{change.ref} would mean another model:",
        f"  {'':20} {'now':24} then",
        f"  {'digest':20} {_digest(old):24} {_digest(new)}",
        f"  {'size':20} {_size(old):24} {_size(new)}",
    ]
    pairs = [(key.replace("_", " "), pair) for key, pair in change.differing.items()]
    lines += [f"  {key:20} {_fact(before):24} {_fact(after)}" for key, (before, after) in pairs]
    if old.source != new.source:
        lines.append(f"  {'source now':20} {shown_source(old.source)}")
        lines.append(f"  {'source then':20} {shown_source(new.source)}")
    return lines


def _digest(state: State) -> str:
    first = next(iter(state.digests), None)
    return "not known yet" if first is None else first[:_SHORT]


def _size(state: State) -> str:
    return "not known" if state.size_bytes is None else format_bytes(state.size_bytes)


def _fact(value: Any) -> str:
    text = "-" if value in (None, "") else str(value)
    return text[:_SHORT] if text.startswith("sha256:") else text


def _sentence(pulled: Pulled) -> str:
    manifest: Manifest = pulled.manifest
    state = "" if pulled.changed else "  up to date"
    kind = manifest.facts.get("quantization") or "-"
    digest = manifest.model.digest[:_SHORT]
    return f"{manifest.ref}  {format_bytes(manifest.size_bytes)}  {kind}  {digest}{state}"


def _again(ref: str, name: str | None) -> str:
    """The command that goes on, unless an address in it is as good as a password."""
    if shown_source(ref) != ref:
        return "the same command"
    return f"stoker pull {shlex.quote(ref)}" + (
        "" if name is None else f" --as {shlex.quote(name)}"
    )
