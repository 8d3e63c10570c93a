"""A predictor of quality: perplexity, or any other positive number of architectures, learnt as latencies are.

Source: SuperShaper, section 4.1: a boosted-trees regression of perplexity on shapes, fitted on sampled subnets. Errors are
judged as ratios, which is what a difference of cross-entropies is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hwcost.cost_models.registry import cost_model
from hwcost.cost_models.training.intervals import calibrate, left_out_errors
from hwcost.cost_models.training.train import MIN_ARCHITECTURES, Trained, known
from hwcost.errors import DataError, UsageError
from hwcost.quantities import LATENCY
from hwcost.spaces.base import Architecture, SearchSpace

__all__ = ["fit_quality"]

PERPLEXITY = "perplexity"


def fit_quality(
    space: SearchSpace,
    archs: Sequence[Architecture],
    values: Sequence[float],
    model: str = "auto",
    quantity: str = PERPLEXITY,
    **options: Any,
) -> Trained:
    """Fits and cross-validates a predictor of a positive quality.

    Args:
        space: The architectures' space.
        archs: Architectures whose quality is known.
        values: Quality of each, a positive number.
        model: Name of a cost model.
        quantity: Name of the quality.
        **options: Arguments of the model.

    Raises:
        DataError: When there are too few different architectures, not one value for each, or a value is not positive.
        UsageError: When the quantity is latency, which :func:`hwcost.fit` learns.
    """
    if quantity == LATENCY:
        raise UsageError(f"'{LATENCY}' is not a quality: fit latencies with hwcost.fit(...)")
    found = np.array(values, dtype=np.float64)
    if found.shape != (len(archs),):
        raise DataError(f"{len(archs)} architectures need as many values, got {found.size}")
    if not (np.isfinite(found) & (found > 0)).all():
        wrong = found[~(np.isfinite(found) & (found > 0))]
        raise DataError(f"a quality is a positive number for every architecture, got {wrong[:3].tolist()}")
    architectures = len({space.canonical(arch.genes) for arch in archs})
    if architectures < MIN_ARCHITECTURES:
        raise DataError(f"{architectures} different architectures to fit on; at least {MIN_ARCHITECTURES} are needed")
    made = cost_model(model, space, quantity=quantity, **options).fit(archs, found)
    errors = left_out_errors(made, made.features.encode(archs), found, np.ones(len(found)))
    trained = Trained(calibrate(made, archs, found, errors=errors), np.arange(len(archs)), found, errors)
    facts = {"data": quantity, "rows": len(archs), "architectures": architectures}
    made.provenance = {**facts, "metrics": known(trained.metrics)}
    return trained
