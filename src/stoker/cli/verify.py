"""`stoker verify`: whether stored files are still what they should be."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click

from stoker.cli.completing import Model
from stoker.cli.options import json_option, print_json
from stoker.cli.storing import open_store, parse_refs
from stoker.core.units import format_bytes
from stoker.models.storing.store import Store
from stoker.models.storing.verifying import (
    Finding,
    Told,
    Verified,
    choose,
    choose_all,
    complain,
    set_aside_manifests,
    verify,
)


@click.command("verify", short_help="Check that stored files are what they should be.")
@click.argument("models", nargs=-1, type=Model(), metavar="[MODEL]...")
@click.option("--all", "everything", is_flag=True, help="Check files that no name pins too.")
@json_option
def command(models: tuple[str, ...], *, everything: bool, as_json: bool) -> None:
    """Check that stored files are what they should be: those of MODELs, or of all of them.

    Every file is hashed again. What differs is set aside, and the names that need it are told.

    \b
    Examples:
      stoker verify
      stoker verify shop tiny
      stoker verify --all --json
    """
    if models and everything:
        raise click.UsageError("name models or say --all, not both")
    store = open_store()
    aside = set_aside_manifests(store) if everything else ()
    sizes = choose_all(store) if everything else choose(store, parse_refs(models))
    with _progress(sizes, hidden=as_json) as told:
        done = verify(store, sizes, told)
    findings = (*aside, *done.findings)
    _show(done, findings, store, as_json=as_json)
    complain(findings)


@contextmanager
def _progress(sizes: dict[str, int], *, hidden: bool) -> Iterator[Told]:
    """A bar on the standard error, where that is a terminal."""
    if hidden or not sys.stderr.isatty():
        yield _silent
        return
    total = sum(sizes.values())
    with click.progressbar(
        range(total),
        length=total,
        label="Checking",
        file=sys.stderr,
        update_min_steps=1 << 26,
    ) as bar:
        yield lambda _, count: bar.update(count)


def _silent(_digest: str, _count: int) -> None:
    """Nothing: programs and logs want no bar."""


def _show(done: Verified, findings: tuple[Finding, ...], store: Store, *, as_json: bool) -> None:
    if as_json:
        found = [asdict(finding) for finding in findings]
        print_json({"files": done.files, "bytes": done.bytes_read, "findings": found})
        return
    for finding in findings:
        names = f"  needed by {', '.join(finding.names)}" if finding.names else ""
        click.echo(f"{finding.state}  {finding.digest}{names}")
    if any(finding.state != "missing" for finding in findings):
        click.echo(f"Set aside in {store.quarantine}.", err=True)
    count = "1 file" if done.files == 1 else f"{done.files} files"
    click.echo(f"{count}, {format_bytes(done.bytes_read)} checked.")
