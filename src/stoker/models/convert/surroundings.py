"""What a tokenizer puts before and after a text, as far as the engine can: one token each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.core.errors import UnsupportedModelError
from stoker.models.checkpoint.documents import TOKENIZER_BYTES_MAX, Folder
from stoker.models.convert.specials import SETTINGS, Specials

_KNOWN = frozenset({"ByteLevel", "TemplateProcessing", "Sequence"})


def read_surroundings(
    folder: Folder, document: Mapping[str, Any], tokens: Sequence[str], specials: Specials
) -> Specials:
    """`specials` with what `tokenizer.json`, which is `document`, and its settings say.

    Raises:
        UnsupportedModelError: something else than the tokens for begin and end is added.
        ModelFileGarbageError: one of these is added, and the folder names none.
    """
    settings = folder.object(SETTINGS, TOKENIZER_BYTES_MAX)
    before, after = _template(document.get("post_processor"))
    bos = _is(before, "bos", tokens, specials)
    eos = _is(after, "eos", tokens, specials)
    return specials.around(
        bos=_switched(settings, "add_bos_token", default=bos),
        eos=_switched(settings, "add_eos_token", default=eos),
    )


def _switched(settings: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = settings.get(name)
    return value if isinstance(value, bool) else default


def _is(added: list[str], name: str, tokens: Sequence[str], specials: Specials) -> bool:
    """Whether `added` is the one token that `name` stands for, and not nothing."""
    number = specials.numbers.get(name)
    if added and (number is None or added != [tokens[number]]):
        raise UnsupportedModelError(
            f"A tokenizer that adds {' '.join(added)[:200]} to a text is not supported"
        )
    return bool(added)


def _template(said: Any) -> tuple[list[str], list[str]]:
    """The tokens that are put before and after a text."""
    before: list[str] = []
    after: list[str] = []
    for step in _steps(said):
        kind = step.get("type")
        if kind not in _KNOWN:
            raise UnsupportedModelError(f"A tokenizer that finishes by {kind} is not supported")
        side = before
        for part in step.get("single", ()) if kind == "TemplateProcessing" else ():
            if "Sequence" in part:
                side = after
            else:
                side.append(str(part.get("SpecialToken", {}).get("id")))
    return before, after


def _steps(said: Any) -> list[dict[str, Any]]:
    if not isinstance(said, dict):
        return []
    parts = said.get("processors")
    return (
        [said, *(one for part in parts for one in _steps(part))]
        if isinstance(parts, list)
        else [said]
    )
