"""Whether latency falls along sizes that can only raise it, which is the mark of rates given as latencies."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.features.extractor import WORK, Features

SIZE = re.compile(
    r"(?:.*[_ .-])?(?:[kmgt]?(?:params?|parameters|flops|macs)|(?:num|n)?[_ ]?layers?|layer[_ ]num|depth|width"
    r"|d[_ ]?model|(?:hidden|ffn|embed(?:ding)?|intermediate)(?:[_ ](?:size|dim))?|seq(?:uence)?[_ ]?len(?:gth)?)"
    r"(?:[_ ]?(?:[kmgt]|avg))?",
    re.IGNORECASE,
)
"""Names of columns that hold sizes of a net, along which latency rises. A batch is none: latency may be that of a sample."""

_UNIT = re.compile(r"\s*[\[(][^\])/]{1,5}[\])]$")

ROWS_PER_COLUMN = 2
"""Rows that every column needs before its direction is judged."""

PENALTY = 1e-2
"""Ridge penalty per row, for columns of unit variance."""

WRONG_WAY = 0.8
"""Share of the effect of sizes on latency that must point the wrong way."""

LEAST_EFFECT = 0.25
"""Share of the variance of log latency that these effects must account for."""

FEWEST_FALLING, ALL_FALL, MOST_EFFECT = 3, 0.95, 0.5
"""Columns of numbers that may all be sizes, share of their effect that must point down, and share of the variance of log
latency that it must account for, before a table whose sizes nothing names is doubted."""


def wrong_way(features: Features, genes: Floats, latency_s: Floats, kept: Collection[str] = ()) -> float | None:
    """Returns the share of the effect of sizes on latency that points the wrong way, where that is nearly all of it.

    Sizes are the parameters of architectures that can be built, and otherwise the columns along which latency cannot fall,
    or, where the space knows none, those that are named as sizes are; other columns are accounted for.

    Args:
        features: The feature extractor.
        genes: Encoded architectures, shape (n, genes).
        latency_s: Shape (n,), seconds.
        kept: Columns that are not taken for sizes by their names.

    Returns:
        None where the direction is right, unclear or unknown.
    """
    wrong, explained, _ = _fall(*_columns(features, genes, kept), latency_s)
    return wrong if wrong >= WRONG_WAY and explained >= LEAST_EFFECT else None


def falls_along_all(features: Features, genes: Floats, latency_s: Floats, kept: Collection[str] = ()) -> bool:
    """Whether latency falls along nearly all columns of numbers of a table whose sizes nothing names.

    Columns called ``l1`` to ``l12`` may be widths: rates look like that. So do properties of devices such as clocks and
    bandwidths, so that this is a doubt and no more.

    Args:
        features: The feature extractor.
        genes: Encoded architectures, shape (n, genes).
        latency_s: Shape (n,), seconds.
        kept: Columns that are not doubted.
    """
    genes_of_numbers = [gene for gene in features.space.genes if not gene.categorical]
    if features.is_buildable or len(genes_of_numbers) < FEWEST_FALLING or _one_hot_sizes(features, ()).any():
        return False
    is_number = np.concatenate(
        [
            np.full(len(gene.choices) if gene.categorical else 1, not gene.categorical and gene.name not in kept)
            for gene in features.space.genes
        ]
    )
    wrong, explained, falling = _fall(features.one_hot(genes), is_number, latency_s)
    return falling >= FEWEST_FALLING and wrong >= ALL_FALL and explained >= MOST_EFFECT


def _fall(
    columns: Floats, is_size: np.ndarray[tuple[int], np.dtype[np.bool_]], latency_s: Floats
) -> tuple[float, float, int]:
    """Returns how far latency falls along sizes.

    Args:
        columns: Shape (n, columns).
        is_size: Whether each column is a size, shape (columns,).
        latency_s: Shape (n,), seconds.

    Returns:
        Share of the effect of sizes that points down, share of the variance of log latency that this effect accounts for,
        and number of the sizes along which latency falls; zeros where the rows do not tell.
    """
    varying = np.ptp(columns, axis=0) > 0
    columns, is_size = columns[:, varying], is_size[varying]
    logs = np.log(latency_s)
    if not is_size.any() or np.ptp(logs) == 0 or len(logs) < ROWS_PER_COLUMN * (columns.shape[1] + 1):
        return 0.0, 0.0, 0
    unit = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    target = (logs - logs.mean()) / logs.std()
    penalty = PENALTY * len(logs) * np.eye(unit.shape[1])
    effects = np.linalg.solve(unit.T @ unit + penalty, unit.T @ target)[is_size]
    wrong = float(-np.minimum(effects, 0.0).sum() / np.abs(effects).sum())
    return wrong, float((unit[:, is_size] @ effects).var()), int((effects < 0.0).sum())


def _columns(
    features: Features, genes: Floats, kept: Collection[str]
) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Returns the columns that matter, and which of them are sizes."""
    if features.is_buildable:
        params = features.work(genes)[:, [WORK.index("params")]]
        return np.log(np.maximum(params, 1.0)), np.ones(1, dtype=bool)
    return features.one_hot(genes), _one_hot_sizes(features, kept)


def _one_hot_sizes(features: Features, kept: Collection[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Returns which columns of ``Features.one_hot`` cannot make an architecture faster."""
    genes, signs = features.space.genes, features.space.increasing()
    if not any(signs):
        signs = tuple(int(is_size(gene.name) and not gene.categorical and gene.name not in kept) for gene in genes)
    return np.concatenate(
        [
            np.full(len(gene.choices) if gene.categorical else 1, bool(sign))
            for gene, sign in zip(genes, signs, strict=True)
        ]
    )


def is_size(name: str) -> bool:
    """Whether a column is named as the sizes of nets are: ``hidden``, ``num_layers``, ``#params``, ``FLOPs (G)``."""
    return SIZE.fullmatch(_UNIT.sub("", name).lstrip("# ")) is not None
