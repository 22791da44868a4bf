"""Which GPUs an owner lets programs see, by the variables that drivers read.

Pure: the variable's text in. Which variable counts is decided by who asks a driver.
"""

from __future__ import annotations


def visible_indices(visible: str | None, uuids: list[str]) -> list[int]:
    """Which of the GPUs with `uuids` a variable like CUDA_VISIBLE_DEVICES shows, in its order.

    As CUDA and ROCm read it: numbers, or beginnings of a UUID; the first word that is neither ends
    the list. None shows all.
    """
    if visible is None:
        return list(range(len(uuids)))
    shown: list[int] = []
    for word in (part.strip() for part in visible.split(",")):
        index = _index(word, uuids)
        if index is None or index in shown:
            break
        shown.append(index)
    return shown


def _index(word: str, uuids: list[str]) -> int | None:
    if word.isascii() and word.isdigit():
        return int(word) if len(word) < 4 and int(word) < len(uuids) else None
    named = [index for index, uuid in enumerate(uuids) if word and uuid.startswith(word)]
    return named[0] if len(named) == 1 else None
