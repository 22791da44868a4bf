"""Which tokens begin, end and fill a text: what a folder's documents say, under GGUF's names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gguf import GGUFWriter

from stoker.core.errors import UnsupportedModelError
from stoker.models.checkpoint.documents import TOKENIZER_BYTES_MAX, Folder, garbage

SETTINGS = "tokenizer_config.json"
# GGUF has three keys for tokens that end an answer; the engine stops at any of them.
_ENDS = ("eos", "eot", "eom")
_NEEDED = frozenset({"bos", "eos"})


@dataclass(frozen=True, slots=True)
class Specials:
    """Numbers of special tokens by GGUF's short name, and whether a text is put between two."""

    numbers: dict[str, int]
    add_bos: bool = False
    add_eos: bool = False
    notes: tuple[str, ...] = ()

    def around(self, *, bos: bool, eos: bool) -> Specials:
        """The same, with what is put around a text."""
        for name, on in (("bos", bos), ("eos", eos)):
            if on and name not in self.numbers:
                raise garbage(f"The tokenizer adds a {name} token, and names none")
        return replace(self, add_bos=bos, add_eos=eos)

    def describe(self, writer: GGUFWriter) -> None:
        """Add them to a file's metadata."""
        for name, number in self.numbers.items():
            getattr(writer, f"add_{name}_token_id")(number)
        writer.add_add_bos_token(self.add_bos)
        writer.add_add_eos_token(self.add_eos)


def read_specials(
    folder: Folder, config: Mapping[str, Any], numbers: Mapping[str, int]
) -> Specials:
    """The special tokens; `numbers` has the number of each token of the vocabulary.

    The tokenizer's settings name tokens, the configurations numbers, of ends perhaps several. The
    tokenizer's word comes first, since it is what ends a turn of a chat.

    Raises:
        ModelFileGarbageError: a token that is named does not exist.
        UnsupportedModelError: nothing says where an answer ends.
    """
    settings = folder.object(SETTINGS, TOKENIZER_BYTES_MAX)
    documents = (folder.object("generation_config.json"), config)
    found: dict[str, int] = {}
    for name in ("bos", "pad", "unk"):
        said = list(_said(settings, documents, name, numbers))
        found |= {name: said[0]} if said else {}
    ends = list(dict.fromkeys(_said(settings, documents, "eos", numbers)))
    if not ends:
        raise UnsupportedModelError("Nothing in the folder says which token ends an answer")
    found |= dict(zip(_ENDS, ends, strict=False))
    return Specials(found, notes=_notes(ends))


def _said(
    settings: Mapping[str, Any],
    documents: tuple[Mapping[str, Any], ...],
    name: str,
    numbers: Mapping[str, int],
) -> Iterator[int]:
    token = settings.get(f"{name}_token")
    token = token.get("content") if isinstance(token, dict) else token
    if isinstance(token, str) and token in numbers:
        yield numbers[token]
    elif isinstance(token, str) and name in _NEEDED:
        raise garbage(f"{SETTINGS}: names the {name} token {token[:80]!r}, which is no token")
    for document in documents:
        value = document.get(f"{name}_token_id")
        for number in value if isinstance(value, list) else [value]:
            if type(number) is int and number >= 0:
                yield _checked(number, name, len(numbers))


def _checked(number: int, name: str, size: int) -> int:
    if number >= size:
        raise garbage(f"The {name} token has the number {number}; there are {size} tokens")
    return number


def _notes(ends: list[int]) -> tuple[str, ...]:
    if len(ends) <= len(_ENDS):
        return ()
    rest = ", ".join(map(str, ends[len(_ENDS) :]))
    return (f"the file has room for {len(_ENDS)} ends of an answer; not among them: {rest}",)
