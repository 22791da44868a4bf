"""One folder to one file: finds what the folder holds and hands it to who knows that kind.

Everything is read and checked before the first byte is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gguf import GGUFType, GGUFWriter

from stoker.core.errors import ModelFileMissingError, UnsupportedModelError
from stoker.files.aside import check_free
from stoker.models.checkpoint.chat_template import DEFAULT, read_templates
from stoker.models.checkpoint.config import Config
from stoker.models.checkpoint.documents import Folder, garbage
from stoker.models.checkpoint.folder import POOLING, read_licence
from stoker.models.checkpoint.shards import read_weights
from stoker.models.convert import bert, bpe
from stoker.models.convert.decoder import FAMILIES, Decoder
from stoker.models.convert.numbers import Target
from stoker.models.convert.wordpiece import read_wordpiece
from stoker.models.convert.writing import Describe, Progress, write

KNOWN = ("BertModel", *FAMILIES)
_TEMPLATE = "tokenizer.chat_template"


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written; `notes` are what a person should know about it."""

    path: Path
    bytes: int
    architecture: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Plan:
    """All that the file will be made of."""

    architecture: str
    describe: Describe
    targets: Sequence[Target]
    notes: tuple[str, ...] = ()


def convert(  # noqa: PLR0913 - one parameter for each choice of a person
    path: Path,
    out: Path,
    *,
    wide: str = "f16",
    name: str | None = None,
    force: bool = False,
    on_progress: Progress | None = None,
) -> Converted:
    """Write the model in the folder `path` to `out`, matrices as `wide`: f16 or bf16.

    `on_progress` is told how many bytes of tensor data are written, and of how many.

    Raises:
        UnsupportedModelError: the architecture or something in it is not supported.
        ModelFileMissingError: a file that is needed is not there.
        ModelFileGarbageError: a file says what cannot be.
        SourceUnsafeError: a file is a link out of the folder.
        InvalidRequestError: `out` exists and `force` is not given, or cannot be written.
        DiskFullError: there is no room for `out`.
    """
    check_free(out, force=force)
    plan = _checked(Folder(path))
    licence = read_licence(Folder(path))

    def describe(writer: GGUFWriter) -> None:
        writer.add_type(GGUFType.MODEL)
        writer.add_name(name or path.resolve().name)
        if licence:
            writer.add_license(licence)
        plan.describe(writer)

    write(
        out, plan.architecture, describe, plan.targets, wide, force=force, on_progress=on_progress
    )
    return Converted(out, out.stat().st_size, plan.architecture, plan.notes)


def _checked(folder: Folder) -> _Plan:
    if not folder.path.is_dir():
        raise ModelFileMissingError(f"There is no folder {folder.path}")
    config = Config(folder.need("config.json"))
    if config.class_name not in KNOWN:
        raise UnsupportedModelError(
            f"{config.class_name or 'A model without a named architecture'} cannot be converted",
            hint=f"Stoker converts {', '.join(KNOWN)}; fetch others as a .gguf file.",
        )
    try:
        return (
            _decoder(folder, config) if config.class_name in FAMILIES else _encoder(folder, config)
        )
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise garbage(f"The {config.class_name} in {folder.path} misstates {error}") from error


def _encoder(folder: Folder, config: Config) -> _Plan:
    encoder = bert.Encoder(folder, config)
    targets = encoder.targets(folder, read_weights(folder))
    words = read_wordpiece(folder, config.count("vocab_size"))

    def describe(writer: GGUFWriter) -> None:
        encoder.describe(writer)
        words.describe(writer)

    return _Plan(bert.ARCHITECTURE, describe, targets)


def _decoder(folder: Folder, config: Config) -> _Plan:
    if folder.file(POOLING) is not None:
        raise UnsupportedModelError(f"{config.class_name} as an embedding model is not supported")
    decoder = Decoder(config)
    targets = decoder.targets(folder, read_weights(folder))
    vocabulary = bpe.read_vocabulary(folder, config.values, decoder.sizes.vocabulary)
    templates = read_templates(folder)
    notes = decoder.notes + vocabulary.notes
    if DEFAULT not in templates:
        notes += ("the folder has no chat template: the file answers plain prompts only",)

    def describe(writer: GGUFWriter) -> None:
        decoder.describe(writer)
        bpe.describe(writer, vocabulary)
        _describe_templates(writer, templates)

    return _Plan(decoder.architecture, describe, targets, notes)


def _describe_templates(writer: GGUFWriter, templates: Mapping[str, str]) -> None:
    if DEFAULT in templates:
        writer.add_string(_TEMPLATE, templates[DEFAULT])
    others = sorted(name for name in templates if name != DEFAULT and name.isidentifier())
    for name in others:
        writer.add_string(f"{_TEMPLATE}.{name}", templates[name])
    if others:
        writer.add_array("tokenizer.chat_templates", others)
