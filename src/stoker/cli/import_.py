"""`stoker import`: a folder of Hugging Face files to one model file."""

from __future__ import annotations

from pathlib import Path

import click

from stoker.cli.options import json_option, print_json
from stoker.cli.terminal.meter import metered
from stoker.core.units import format_bytes


@click.command("import", short_help="Make a model file from a Hugging Face folder.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--out", type=click.Path(path_type=Path), help="The file to write.")
@click.option(
    "--type",
    "wide",
    type=click.Choice(["f16", "bf16"]),
    default="f16",
    show_default=True,
    help="How matrices are stored.",
)
@click.option("--as", "name", metavar="NAME", help="What the model is called.")
@click.option("--force", is_flag=True, help="Overwrite the file if it exists.")
@json_option
def command(  # noqa: PLR0913 - one parameter for each option
    folder: Path, *, out: Path | None, wide: str, name: str | None, force: bool, as_json: bool
) -> None:
    """Make a model file from a Hugging Face folder.

    FOLDER has config.json, *.safetensors and the tokenizer. Nothing in it is run. Llama, Mistral,
    Qwen2 and Qwen3 chat models with byte-level BPE can be taken, and BERT embedding models.

    \b
    Examples:
      stoker import ./Qwen3-0.6B
      stoker import ./all-MiniLM-L6-v2
      stoker import ./my-model --type bf16 --out my-model.gguf
    """
    # numpy and gguf are slow to import; only this verb pays for them.
    from stoker.models.convert.convert import convert  # noqa: PLC0415

    path = (out or Path(f"{name or folder.resolve().name}-{wide}.gguf")).expanduser().absolute()
    with metered() as told:
        made = convert(folder, path, wide=wide, name=name, force=force, on_progress=told)
    for note in made.notes:
        click.echo(f"note: {note}.", err=True)
    if as_json:
        print_json(
            {
                "file": str(path),
                "bytes": made.bytes,
                "architecture": made.architecture,
                "notes": list(made.notes),
            }
        )
    else:
        click.echo(f"{path}: {format_bytes(made.bytes)}")
