"""The judgements that come with the package, read from `data/judgement.toml` once."""

from __future__ import annotations

from functools import cache
from typing import Any

from stoker.core.estimate import Interval
from stoker.core.judgement import ApiModel, Judgement, SizeClass, Watts
from stoker.core.needs import Quality
from stoker.published.tables import read_toml

_UNPROVEN = "unproven"


@cache
def load_judgement() -> Judgement:
    """What has to be assumed, as shipped."""
    return to_judgement(read_toml("judgement.toml"))


def to_judgement(document: dict[str, Any]) -> Judgement:
    """`document`, as the file has it, as one value.

    Raises:
        KeyError, TypeError, ValueError: a figure is missing, unknown or of another kind.
    """
    assumed = dict(document["assumed"])
    quality = Quality(assumed.pop("quality"))
    speed = document["api_speed"]
    return Judgement(
        date=document["date"],
        size_classes=tuple(_size_class(entry) for entry in document["size_class"]),
        api_models=tuple(
            ApiModel(entry["reference"], Quality(entry["tier"]), entry["why"])
            for entry in document["api_model"]
        ),
        quality=quality,
        watts_cpu=Watts(**document["watts_cpu"]),
        watts_gpu=Watts(**document["watts_gpu"]),
        api_ttft_s=Interval(*speed["ttft_s"]),
        api_tok_s=Interval(*speed["tok_s"]),
        **assumed,
    )


def _size_class(entry: dict[str, Any]) -> SizeClass:
    tier = None if entry["tier"] == _UNPROVEN else Quality(entry["tier"])
    return SizeClass(entry["parameters_least"], tier, entry["why"])
