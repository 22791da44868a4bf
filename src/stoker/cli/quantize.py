"""`stoker quantize`: a smaller file of a model."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stoker.cli.completing import Model
from stoker.cli.options import json_option, print_json
from stoker.cli.storing import open_store
from stoker.cli.terminal.meter import metered
from stoker.core.model import LocalModel
from stoker.core.units import format_bytes
from stoker.models.catalogue import find_model, looks_like_path
from stoker.models.gguf.parts import stem_of
from stoker.models.quantize.choice import parse_type

if TYPE_CHECKING:
    from stoker.models.quantize.write import Shrunk


@click.command("quantize", short_help="Write a smaller file of a model.")
@click.argument("model", type=Model())
@click.option("--to", "target", required=True, metavar="TYPE", help="q8_0, q5_1, ..., bf16, f16.")
@click.option("--out", type=click.Path(path_type=Path), help="The file to write.")
@click.option("--force", is_flag=True, help="Overwrite the file if it exists.")
@json_option
def command(model: str, *, target: str, out: Path | None, force: bool, as_json: bool) -> None:
    """Write a smaller file of a model.

    MODEL is `starter`, a stored name or a .gguf file's path (the first one's, where there are
    several). TYPE is q8_0, q5_1, q5_0, q4_1, q4_0,
    bf16 or f16. Norms stay as they are; embeddings keep 8 bits where the rest gets 4 or 5.

    \b
    Examples:
      stoker quantize ./my-model-f16.gguf --to q8_0
      stoker quantize starter --to q4_0 --out small.gguf --json
    """
    kind = parse_type(target)
    found = find_model(model, open_store())
    to = (out or Path(f"{_stem(model, found)}-{kind.lower()}.gguf")).expanduser().absolute()
    # numpy and gguf are slow to import; only this verb pays for them.
    from stoker.models.quantize.write import quantize  # noqa: PLC0415

    begun = time.monotonic()
    with metered() as told:
        shrunk = quantize(found.path, to, kind, force=force, on_progress=told)
    document = describe(shrunk, time.monotonic() - begun)
    _warn(shrunk)
    if as_json:
        print_json(document)
    else:
        click.echo(_sentence(shrunk, document["seconds"]))


def _stem(text: str, found: LocalModel) -> str:
    """What the new file is called after: the file that `text` means, or the name that it is."""
    if looks_like_path(text) and "=" not in text:
        return stem_of(found.path)
    return str(found.ref).replace(":", "-")


def describe(shrunk: Shrunk, seconds: float) -> dict[str, Any]:
    """What `quantize --json` prints; memory in bytes, the most that this process had."""
    return {
        "file": str(shrunk.path),
        "bytes_in": shrunk.bytes_in,
        "bytes_out": shrunk.bytes_out,
        "bits_per_weight": round(shrunk.bits_per_weight, 3),
        "bytes_by_type": shrunk.types,
        "fallbacks": list(shrunk.fallbacks),
        "requantized_from": list(shrunk.requantized_from),
        "seconds": round(seconds, 3),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def _sentence(shrunk: Shrunk, seconds: float) -> str:
    sizes = f"{format_bytes(shrunk.bytes_in)} to {format_bytes(shrunk.bytes_out)}"
    return f"{shrunk.path}: {sizes}, {shrunk.bits_per_weight:.2f} bits per weight, {seconds:.1f} s"


def _warn(shrunk: Shrunk) -> None:
    if shrunk.requantized_from:
        kinds = ", ".join(shrunk.requantized_from)
        click.echo(
            f"note: the model was {kinds} already; making it from the F16 file loses less.",
            err=True,
        )
    if shrunk.fallbacks:
        click.echo(
            f"note: {len(shrunk.fallbacks)} tensors became 16-bit, because their rows do not"
            f" divide by 32: {', '.join(shrunk.fallbacks[:5])}",
            err=True,
        )
