"""Intervals from what the model gets wrong on rows it has not seen (cross-conformal, Vovk 2015).

The rows are left out fold by fold, all rows of an architecture together; the absolute errors of log latency, sorted, give
the half-width that covers a wanted share of new architectures, each measured once. Every architecture counts once, however
often it was measured (Dunn, Wasserman and Ramdas 2022, for two-layer data). With too few there is no such number, and none
is made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from hwcost._types import Floats, Indices
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.folds import out_of_fold
from hwcost.cost_models.groups import Groups
from hwcost.errors import DataError
from hwcost.spaces.base import Architecture

Model = TypeVar("Model", bound=CostModel)

LEVEL = 0.90
FOLDS = ((3000, 10), (20_000, 5))
"""Below so many architectures so many folds; ``FEW_FOLDS`` from there on: with many a fold more or less changes no fit."""

FEW_FOLDS = 3

MIN_ROWS = 10
"""Below so many different architectures no interval is given."""

ROUNDING = 1e-9
"""Architectures by which sums of shares, such as three thirds, may fall short of whole numbers."""

KEPT_ERRORS = 1000
"""Errors that a model keeps for probabilities, evenly over their order, where there are more."""

RECHOOSING_ROWS = 40
"""Below so many architectures choices made by cross-validation are made anew in every fold: they are part of the error."""


def calibrate(
    model: Model, archs: Sequence[Architecture], latency_s: ArrayLike, weights: ArrayLike | None = None, level: float = LEVEL
) -> Model:
    """Gives a fitted model its interval, from the rows that it was fitted on.

    Args:
        model: A fitted model; its ``spread_`` and ``errors_`` are set, to None when there are too few architectures, and its
            exact hits are judged.
        archs: The n architectures of the fit.
        latency_s: Shape (n,), seconds.
        weights: Shape (n,); None for equal ones.
        level: Wanted share of new architectures inside.

    Returns:
        The model itself.

    Raises:
        DataError: When all rows are one architecture.
    """
    from hwcost.cost_models.hits import judge_hits

    seconds = np.asarray(latency_s, dtype=np.float64)
    row_weights = np.ones(len(seconds)) if weights is None else np.asarray(weights, dtype=np.float64)
    even = row_weights / row_weights.mean()
    genes = model.features.encode(archs)
    errors = left_out_errors(model, genes, seconds, even)
    keep_errors(model, errors, Groups.of(model.features, genes), level)
    judge_hits(model, archs, seconds, even, errors)
    return model


def keep_errors(model: CostModel, errors: Floats, groups: Groups, level: float = LEVEL) -> None:
    """Gives a model its interval and its error distribution, of one measurement of a new architecture.

    With too few architectures it gets none.

    Args:
        model: The model.
        errors: Errors of log latency on rows left out, shape (n,).
        groups: The architectures of the rows.
        level: Wanted share inside.
    """
    model.n_architectures_ = len(groups)
    model.spread_ = quantile(np.abs(errors), level, groups)
    model.errors_ = None
    if model.spread_ is not None:
        places = np.linspace(0, len(groups) - 1, min(len(groups), KEPT_ERRORS)).round()
        order = np.argsort(errors, kind="stable")
        reached = np.cumsum(groups.shares[order])
        model.errors_ = errors[order][np.searchsorted(reached, places + 0.5)]


def left_out_errors(model: CostModel, genes: Floats, latency_s: Floats, weights: Floats) -> Floats:
    """Returns errors of log latency (n,) by fits that have not seen the architecture.

    With many architectures, choices made by cross-validation are kept.

    Raises:
        DataError: When all rows are one architecture.
    """
    groups = Groups.of(model.features, genes)
    if len(groups) < 2:
        raise DataError(f"all {len(genes)} rows are one architecture: nothing can be left out. Measure more of them.")
    is_small = len(groups) < RECHOOSING_ROWS and model.chosen is None

    def predict(kept: Indices, left: Indices) -> Floats:
        fitted = (model.clone() if is_small else model.settled()).fit_encoded(genes[kept], latency_s[kept], weights[kept])
        return fitted.predict_encoded(genes[left])

    count = next((folds for rows, folds in FOLDS if len(groups) < rows), FEW_FOLDS)
    return np.asarray(np.log(latency_s / out_of_fold(groups, count, predict)))


def quantile(scores: Floats, level: float = LEVEL, groups: Groups | None = None) -> float | None:
    """Returns the conformal quantile: the smallest score that ``(n + 1) * level`` of n architectures do not exceed.

    Args:
        scores: One per row.
        level: Wanted share.
        groups: The architectures of the rows, each of which counts 1; None when every row is one of its own.

    Returns:
        None when n is too small.
    """
    n = len(scores) if groups is None else len(groups)
    wanted = (n + 1) * level - ROUNDING
    if n < MIN_ROWS or wanted > n:
        return None
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(np.ones(n) if groups is None else groups.shares[order])
    return float(scores[order][min(int(np.searchsorted(reached, wanted)), len(scores) - 1)])
