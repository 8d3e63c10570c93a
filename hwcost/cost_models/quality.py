"""A predictor of quality: perplexity, or any positive number of architectures, learnt as latencies are.

Source: SuperShaper, section 4.1: a boosted-trees regression of perplexity on shapes, fitted on sampled subnets. Errors are
judged as ratios, which is what a difference of cross-entropies is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwcost.cost_models.data import FIT, Data
from hwcost.cost_models.train import Training, training
from hwcost.errors import DataError
from hwcost.spaces.base import Architecture, SearchSpace

__all__ = ["fit_quality"]

HELD = ("auto", "lightgbm", "xgboost")
"""Models that are held never to fall as a net grows, which holds of latency and not of perplexity."""


def fit_quality(
    space: SearchSpace, archs: Sequence[Architecture], values: Sequence[float], model: str = "auto"
) -> Training:
    """Fits and cross-validates a predictor of a positive quality.

    Args:
        space: The architectures' space.
        archs: What was judged.
        values: Its quality, one positive number per architecture, for example perplexity.
        model: Name of a cost model; what it calls seconds is the quality here.

    Returns:
        The fitted model, the values, what is predicted for each without it, and the metrics.

    Raises:
        DataError: When there are too few rows, not one value per architecture, or a value is not positive.
    """
    found = np.array(values, dtype=np.float64)
    if found.shape != (len(archs),):
        raise DataError(f"{len(archs)} architectures need as many values, got {found.size}")
    if not (np.isfinite(found) & (found > 0)).all():
        wrong = found[~(np.isfinite(found) & (found > 0))]
        raise DataError(f"a quality is a positive number for every architecture, got {wrong[:3].tolist()}")
    rows = Data(space, list(archs), found, np.ones(len(found)), (FIT,) * len(found), "quality", {}, {"data": "quality"})
    free = {"monotone": False} if model in HELD else {}
    return training(rows, model, "none", **free)
