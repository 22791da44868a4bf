"""What a model is called where the person does not say: a name made from its source. Pure."""

from __future__ import annotations

import re

from stoker.core.model import ModelRef
from stoker.models.gguf.split_names import split_name
from stoker.models.sources.base import Offer, quantization_of
from stoker.models.sources.reference import HubReference, Reference, RegistryReference

_LONGEST = 96
_SUFFIX = re.compile(r"\.gguf$", re.IGNORECASE)
_GGUF = re.compile(r"[-_.]gguf$", re.IGNORECASE)
_NOT_ALLOWED = re.compile(r"[^a-z0-9._-]+|\.{2,}")
_UNNAMED = "model"


def default_name(reference: Reference, offer: Offer) -> ModelRef:
    """The name for what `reference` offers.

    Of a registry its own name and tag; of Hugging Face the repository, the quantization as tag;
    of a file its own name, the quantization at its end as tag.
    """
    match reference:
        case RegistryReference(name=name, tag=tag):
            return ModelRef(_word(name.rpartition("/")[2]), _word(tag))
        case HubReference(repo=repo):
            return _tagged(_GGUF.sub("", repo), offer.model.quantization)
    name = offer.model.name.rpartition("/")[2]
    split = split_name(name)
    stem = split.stem if split else _SUFFIX.sub("", name)
    quantization = quantization_of(f"{stem}.gguf")
    if quantization and stem.upper().endswith(quantization):
        stem = stem[: -len(quantization)]
    else:
        quantization = ""
    return _tagged(stem, quantization)


def _tagged(name: str, quantization: str) -> ModelRef:
    tag = _word(quantization) if quantization else "latest"
    return ModelRef(_word(name), tag)


def _word(text: str) -> str:
    """`text` in lower case, with what a name cannot hold as dashes, as short as a name must be."""
    word = _NOT_ALLOWED.sub("-", text.lower()).strip("._-")[:_LONGEST].strip("._-")
    return word or _UNNAMED
