"""Whether latency falls along sizes that can only raise it, which is the mark of rates given as latencies."""

from __future__ import annotations

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.features import WORK, Features

ROWS_PER_COLUMN = 2
"""Rows that every column needs before its direction is judged."""

PENALTY = 1e-2
"""Ridge penalty per row, for columns of unit variance."""

WRONG_WAY = 0.8
"""Share of the effect of sizes on latency that must point the wrong way."""

LEAST_EFFECT = 0.25
"""Share of the variance of log latency that these effects must account for."""


def wrong_way(features: Features, genes: Floats, latency_s: Floats) -> float | None:
    """Returns the share of the effect of sizes on latency that points the wrong way, where that is nearly all of it.

    Sizes are the parameters of architectures that can be built, and otherwise the columns along which latency cannot fall;
    other columns are accounted for.

    Args:
        features: The feature extractor.
        genes: Encoded architectures, shape (n, genes).
        latency_s: Shape (n,), seconds.

    Returns:
        None where the direction is right, unclear or unknown.
    """
    columns, is_size = _columns(features, genes)
    varying = np.ptp(columns, axis=0) > 0
    columns, is_size = columns[:, varying], is_size[varying]
    logs = np.log(latency_s)
    if not is_size.any() or np.ptp(logs) == 0 or len(logs) < ROWS_PER_COLUMN * (columns.shape[1] + 1):
        return None
    unit = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    target = (logs - logs.mean()) / logs.std()
    penalty = PENALTY * len(logs) * np.eye(unit.shape[1])
    effects = np.linalg.solve(unit.T @ unit + penalty, unit.T @ target)[is_size]
    wrong = float(-np.minimum(effects, 0.0).sum() / np.abs(effects).sum())
    explained = float((unit[:, is_size] @ effects).var())
    return wrong if wrong >= WRONG_WAY and explained >= LEAST_EFFECT else None


def _columns(features: Features, genes: Floats) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Returns the columns that matter, and which of them are sizes."""
    if features.is_buildable:
        params = features.work(genes)[:, [WORK.index("params")]]
        return np.log(np.maximum(params, 1.0)), np.ones(1, dtype=bool)
    return features.one_hot(genes), _one_hot_sizes(features)


def _one_hot_sizes(features: Features) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Returns which columns of ``Features.one_hot`` cannot make an architecture faster."""
    return np.concatenate(
        [
            np.full(len(gene.choices) if gene.categorical else 1, bool(sign))
            for gene, sign in zip(features.space.genes, features.space.increasing(), strict=True)
        ]
    )
