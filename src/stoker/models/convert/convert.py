"""One folder to one file: finds what the folder holds and hands it to who knows that kind."""

from __future__ import annotations

from pathlib import Path

from gguf import GGUFWriter

from stoker.core.errors import ModelFileGarbageError, UnsupportedModelError
from stoker.models.convert import bert
from stoker.models.convert.folder import need_object, read_tensors
from stoker.models.convert.writing import write

KNOWN = ("BertModel",)


def convert(
    folder: Path, out: Path, *, wide: str = "f16", name: str | None = None, force: bool = False
) -> None:
    """Write the model in `folder` to `out`, matrices as `wide`: f16 or bf16.

    Raises:
        UnsupportedModelError: the architecture or something in it is not supported.
        ModelFileMissingError: a file that is needed is not there.
        ModelFileGarbageError: a file says what cannot be.
        InvalidRequestError: `out` exists and `force` is not given.
    """
    config = need_object(folder / "config.json")
    architecture = _architecture(config.get("architectures"))

    def describe(writer: GGUFWriter) -> None:
        writer.add_name(name or folder.resolve().name)
        bert.describe(writer, folder, config)

    try:
        targets = bert.targets(read_tensors(folder), int(config["num_hidden_layers"]))
        write(out, bert.ARCHITECTURE, describe, targets, wide, force=force)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileGarbageError(
            f"The {architecture} in {folder} lacks or misstates {error}"
        ) from error


def _architecture(said: object) -> str:
    found = said[0] if isinstance(said, list) and said else None
    if found not in KNOWN:
        raise UnsupportedModelError(
            f"{found or 'A model without a named architecture'} cannot be converted",
            hint=f"Stoker converts {', '.join(KNOWN)}; fetch others as a .gguf file.",
        )
    return str(found)
