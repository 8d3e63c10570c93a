"""Intervals from what the model gets wrong on rows it has not seen (cross-conformal, Vovk 2015).

The rows are left out fold by fold; the absolute errors of log latency, sorted, give the half-width that covers a wanted
share of new rows. With too few rows there is no such number, and none is made up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from hwcost.cost_models.base import CostModel
from hwcost.cost_models.folds import Rows, out_of_fold
from hwcost.cost_models.tabulate import Floats
from hwcost.spaces.base import Architecture

Model = TypeVar("Model", bound=CostModel)

LEVEL = 0.90
FOLDS = ((3000, 10), (20_000, 5))
"""Below so many rows so many folds; ``FEW_FOLDS`` from there on, since with many rows a fold more or less changes no fit."""

FEW_FOLDS = 3

MIN_ROWS = 10
"""Below so many rows no interval is given."""

KEPT_ERRORS = 1000
"""Errors that a model keeps for probabilities, evenly over their order, where there are more."""

RECHOOSING_ROWS = 40
"""Below so many rows the choices made by cross-validation are made anew in every fold: they are part of the error."""


def calibrate(
    model: Model, archs: Sequence[Architecture], latency_s: ArrayLike, weights: ArrayLike | None = None, level: float = LEVEL
) -> Model:
    """Gives a fitted model its interval, from the rows that it was fitted on.

    Args:
        model: A fitted model; its ``spread_`` and ``errors_`` are set, to None when there are too few rows.
        archs: The n architectures of the fit.
        latency_s: Shape (n,), seconds.
        weights: Shape (n,); None for equal ones.
        level: Wanted share of new rows inside.

    Returns:
        The model itself.
    """
    seconds = np.asarray(latency_s, dtype=np.float64)
    row_weights = np.ones(len(seconds)) if weights is None else np.asarray(weights, dtype=np.float64)
    errors = left_out_errors(model, model.features.encode(archs), seconds, row_weights / row_weights.mean())
    keep_errors(model, errors, level)
    return model


def keep_errors(model: CostModel, errors: Floats, level: float = LEVEL) -> None:
    """Gives a model its interval and its error distribution, from errors of log latency on rows left out, shape (n,).

    With too few errors it gets none.
    """
    model.spread_ = quantile(np.abs(errors), level)
    model.errors_ = None
    if model.spread_ is not None:
        places = np.linspace(0, len(errors) - 1, min(len(errors), KEPT_ERRORS)).round().astype(np.intp)
        model.errors_ = np.sort(errors)[places]


def left_out_errors(model: CostModel, genes: Floats, latency_s: Floats, weights: Floats) -> Floats:
    """Returns errors of log latency (n,) on rows left out; with many rows, choices made by cross-validation are kept."""
    is_small = len(genes) < RECHOOSING_ROWS and model.chosen is None

    def predict(kept: Rows, left: Rows) -> Floats:
        fitted = (model.clone() if is_small else model.settled()).fit_encoded(genes[kept], latency_s[kept], weights[kept])
        return fitted.predict_encoded(genes[left])

    count = next((folds for rows, folds in FOLDS if len(genes) < rows), FEW_FOLDS)
    return np.asarray(np.log(latency_s / out_of_fold(len(genes), count, predict)))


def quantile(scores: Floats, level: float = LEVEL) -> float | None:
    """Returns the conformal quantile: the ``ceil((n + 1) * level)``-th smallest score; None when n is too small."""
    n = len(scores)
    rank = math.ceil((n + 1) * level)
    if n < MIN_ROWS or rank > n:
        return None
    return float(np.sort(scores)[rank - 1])
