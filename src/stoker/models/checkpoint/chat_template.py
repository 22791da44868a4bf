"""The chat templates of a Hugging Face folder, wherever one of its files keeps them.

Owns where they are looked for and their size; nothing here renders one. Later files win, as they
do for the library that writes them.
"""

from __future__ import annotations

from typing import Any

from stoker.models.checkpoint.documents import TEXT_BYTES_MAX, TOKENIZER_BYTES_MAX, Folder, garbage

DEFAULT = "default"
_MORE = "additional_chat_templates"
_SUFFIX = ".jinja"
_TEMPLATES_MAX = 16


def read_templates(folder: Folder) -> dict[str, str]:
    """The templates by name; the one that is used unless another is asked for is `default`.

    Raises:
        ModelFileGarbageError: one is too large, or not text.
    """
    settings = folder.object("tokenizer_config.json", TOKENIZER_BYTES_MAX)
    found = _named(settings.get("chat_template"))
    found |= _named(folder.object("chat_template.json").get("chat_template"))
    text = folder.text("chat_template.jinja")
    found |= {} if text is None else {DEFAULT: text}
    for name in folder.names(f"{_MORE}/*{_SUFFIX}")[:_TEMPLATES_MAX]:
        text = folder.text(f"{_MORE}/{name}")
        found |= {} if text is None else {name.removesuffix(_SUFFIX): text}
    _check(found)
    return found


def _named(said: Any) -> dict[str, str]:
    """One template, or a list of objects that each have a name and a template."""
    if isinstance(said, str):
        return {DEFAULT: said}
    if not isinstance(said, list):
        return {}
    return {
        one["name"]: one["template"]
        for one in said[:_TEMPLATES_MAX]
        if isinstance(one, dict)
        and isinstance(one.get("name"), str)
        and isinstance(one.get("template"), str)
    }


def _check(found: dict[str, str]) -> None:
    for name, text in found.items():
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            raise garbage(f"The chat template {name!r} is not valid Unicode") from None
        if size >= TEXT_BYTES_MAX:
            raise garbage(f"The chat template {name!r} has {size} bytes")
