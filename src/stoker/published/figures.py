"""The published figures, read from their tables once."""

from __future__ import annotations

from functools import cache

from stoker.core.published import ModelShape, PublishedLoss, PublishedSize, PublishedSpeed
from stoker.published.tables import number, read_csv, whole


@cache
def load_shapes() -> tuple[ModelShape, ...]:
    """The architectures of well-known models, the smallest first."""
    return tuple(
        ModelShape(
            name=row["model"],
            parameters=int(row["parameters"]),
            parameters_active=int(row["parameters_active"]),
            layers=int(row["layers"]),
            hidden=int(row["hidden"]),
            heads=int(row["heads"]),
            kv_heads=whole(row["kv_heads"]),
            head_dim=whole(row["head_dim"]),
            ffn=int(row["ffn"]),
            vocabulary=int(row["vocab"]),
            context_length=int(row["context"]),
            experts=whole(row["experts"]),
            experts_active=whole(row["experts_active"]),
            window=whole(row["window"]),
            global_layers=whole(row["global_layers"]),
            kv_bytes_per_token=int(row["kv_bytes_per_token"]),
            note=row["note"],
            source=row["source"],
        )
        for row in read_csv("model-shapes.csv")
    )


@cache
def load_sizes() -> tuple[PublishedSize, ...]:
    """The sizes of published files; `model` is the name of a shape where there is one."""
    return tuple(
        PublishedSize(row["shape"], row["quant"], int(row["bytes"]), row["source"])
        for row in read_csv("gguf-sizes.csv")
    )


@cache
def load_losses() -> tuple[PublishedLoss, ...]:
    """What quantizations take and lose."""
    return tuple(
        PublishedLoss(
            model=row["model"],
            quantization=row["quant"].removesuffix("*"),
            importance_matrix=row["quant"].endswith("*"),
            bits_per_weight=number(row["bits_per_weight"]),
            size_gib=number(row["size_gib"]),
            kl_divergence=number(row["kl_divergence"]),
            ppl_delta=number(row["ppl_delta"]),
            same_top_pct=number(row["same_top_token_pct"]),
            source=row["source"],
        )
        for row in read_csv("quantizations.csv")
    )


@cache
def load_speeds() -> tuple[PublishedSpeed, ...]:
    """Tokens a second on well-known machines."""
    return tuple(
        PublishedSpeed(
            hardware=row["hardware"],
            backend=row["backend"],
            threads=whole(row["threads"]),
            model=row["model"],
            quantization=row["quant"],
            metric=row["metric"],
            tok_s=float(row["tok_s"]),
            source=row["source"],
        )
        for row in read_csv("speeds.csv")
    )
