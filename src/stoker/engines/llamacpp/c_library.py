"""The engine's own C interface, through ctypes: for children that the wheel's Python serves badly.

Owns finding the shared object and declaring its functions, and the structs that are passed by
value. Of the parameter structs only the first fields are known here; the rest stays an opaque
block that the engine itself filled with its defaults and that is larger than any of its versions.
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

POINTER, INT, UINT = ctypes.c_void_p, ctypes.c_int32, ctypes.c_uint32
BOOL, TEXT = ctypes.c_bool, ctypes.c_char_p
# Of a context's parameters: n_ctx, n_batch, n_ubatch, n_seq_max.
CONTEXT_DEFAULTS = (512, 2048, 512, 1)


class UnknownLibraryError(Exception):
    """The engine's library is not there, or not the one that is known."""


class Opaque(ctypes.Structure):
    """A parameter struct that is passed by value, always as the last argument."""

    _fields_ = (("words", ctypes.c_uint32 * 256),)


class Batch(ctypes.Structure):
    """Tokens with their places; the engine allocates the arrays."""

    _fields_ = (
        ("n_tokens", INT),
        ("token", ctypes.POINTER(INT)),
        ("embd", POINTER),
        ("pos", ctypes.POINTER(INT)),
        ("n_seq_id", ctypes.POINTER(INT)),
        ("seq_id", ctypes.POINTER(ctypes.POINTER(INT))),
        ("logits", ctypes.POINTER(ctypes.c_int8)),
    )


def open_library(signatures: Mapping[str, tuple[Any, ...]]) -> Any:
    """The engine's library, with each function of `signatures` (result, then arguments) declared.

    Raises:
        UnknownLibraryError: it is not there, or lacks one of them.
    """
    found = importlib.util.find_spec("xllamacpp")
    folder = Path(found.origin).parent if found and found.origin else Path()
    files = sorted(folder.glob("xllamacpp*.so"))
    if not files:
        raise UnknownLibraryError("the engine's shared object is not there")
    library = ctypes.CDLL(str(files[0]))
    try:
        for name, (result, *arguments) in signatures.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as error:
        raise UnknownLibraryError(f"the engine does not export what is needed: {error}") from None
    return library
