"""Intervals from what the model gets wrong on rows it has not seen (cross-conformal, Vovk 2015).

The rows are left out fold by fold, all rows of an architecture together; the absolute errors of the logarithm, sorted, give
the half-width that covers a wanted share of new architectures, each measured once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from hwcost._types import Floats, Indices
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.features.repeats import merged
from hwcost.cost_models.training.conformal import LEVEL, quantile
from hwcost.cost_models.training.folds import folds, out_of_fold
from hwcost.cost_models.training.measured import judge_measured
from hwcost.cost_models.training.new_shapes import learn_new_shapes
from hwcost.cost_models.training.remembered import recalled
from hwcost.errors import ContractError, DataError
from hwcost.quantities import QUANTITIES
from hwcost.spaces.base import Architecture

Model = TypeVar("Model", bound=CostModel)

FOLDS = ((3000, 10), (20_000, 5))
"""Below so many architectures so many folds; ``FEW_FOLDS`` from there on: with many a fold more or less changes no fit."""

FEW_FOLDS = 3

KEPT_ERRORS = 1000
"""Errors that a model keeps for probabilities, evenly over their order, where there are more."""

RECHOOSING_ROWS = 40
"""Below so many architectures choices made by cross-validation are made anew in every fold: they are part of the error."""

CHECK_ERRORS = "check_errors"
"""Fact of a model of measured components: its errors (log) on the whole models that it was checked on."""


def calibrate(
    model: Model,
    archs: Sequence[Architecture],
    values: ArrayLike,
    weights: ArrayLike | None = None,
    errors: Floats | None = None,
) -> Model:
    """Gives a fitted model its interval, from the rows that it was fitted on, and judges its measured values.

    Args:
        model: A fitted model; its half-widths, ``errors_``, ``measured_`` and ``doubts_`` are set. With too few
            architectures it gets no interval.
        archs: The n architectures of the fit.
        values: Measured values, shape (n,).
        weights: Weights of the rows, shape (n,); None for equal ones.
        errors: Errors of the logarithm on rows left out, shape (n,), where they are known; None finds them.

    Returns:
        The model itself.

    Raises:
        DataError: When all rows are one architecture.
    """
    rows = np.asarray(values, dtype=np.float64)
    row_weights = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
    even, genes = row_weights / row_weights.mean(), model.features.encode(archs)
    found = left_out_errors(model, genes, rows, even) if errors is None else errors
    if not model.has_interval and model.quantity in QUANTITIES:
        model.domain_ = model.domain_.learned(model.features, genes, rows, even, found)
        learn_new_shapes(model, genes, rows, even, found)
    widths = model.domain_.at_ends(model.features, genes)
    keep_errors(model, found / widths, Groups.of_architectures(model.features, genes))
    judge_measured(model, archs, rows, even, found)
    return model


def keep_errors(model: CostModel, errors: Floats, groups: Groups) -> None:
    """Gives a model its interval and its error distribution, of one measurement of a new architecture.

    With too few architectures it gets none; one whose fit brings its own interval keeps that.

    Args:
        model: A fitted model.
        errors: Errors of the logarithm on rows left out, as far as they are typical, shape (n,).
        groups: The architectures of the rows.
    """
    model.n_architectures_ = len(groups)
    if model.has_interval:
        return
    model.log_interval_half_width_ = quantile(np.abs(errors), LEVEL, groups)
    model.errors_ = None
    if model.log_interval_half_width_ is not None:
        places = np.linspace(0, len(groups) - 1, min(len(groups), KEPT_ERRORS)).round()
        order = np.argsort(errors, kind="stable")
        reached = np.cumsum(groups.shares[order])
        model.errors_ = errors[order][np.searchsorted(reached, places + 0.5)]


def widen(model: CostModel, half_width: float) -> None:
    """Adds to a model's interval what no row tells; a model whose fit brings its own interval keeps that.

    Args:
        model: A calibrated model.
        half_width: Half-width of it (log); 0 adds nothing.
    """
    usual = model.log_interval_half_width_
    if usual and half_width and not model.has_interval and model.errors_ is not None:
        model.log_interval_half_width_ = math.hypot(usual, half_width)
        model.errors_ = model.errors_ * (model.log_interval_half_width_ / usual)


def left_out_errors(model: CostModel, genes: Floats, values: Floats, weights: Floats) -> Floats:
    """Returns errors of the logarithm (n,) by fits that have not seen the architecture.

    With many architectures, choices made by cross-validation are kept.

    Args:
        model: A fitted model; one that chooses nothing need not be.
        genes: Encoded architectures, shape (n, genes).
        values: Measured values, shape (n,).
        weights: Weights of the rows, shape (n,).

    Raises:
        DataError: When all rows are one architecture.
    """
    groups = Groups.of_architectures(model.features, genes)
    found = _rechosen(model, genes, values, weights) if len(groups) < RECHOOSING_ROWS else None
    if found is not None:
        return found
    is_rechosen = len(groups) < RECHOOSING_ROWS and model.chosen is None
    is_even = not groups.has_repeats and np.ptp(weights) == 0  # else each layer of models merges or scales rows once more
    asked = model.plain if is_even and len(groups) >= RECHOOSING_ROWS else model

    def unfitted() -> CostModel:
        return asked.clone() if is_rechosen else asked.clone_with_hyperparameters()

    if asked.chosen is not None:  # what it chose is not among its arguments
        return _out_of_fold(unfitted, groups, genes, values, weights)
    return recalled(unfitted(), (genes, values, weights), lambda: _out_of_fold(unfitted, groups, genes, values, weights))


def _rechosen(model: CostModel, genes: Floats, values: Floats, weights: Floats) -> Floats | None:
    """Returns errors of a choice that was made anew without each fold, on all rows; None where the model is none."""
    if model.chosen is None:
        return None
    points = Groups.of(model.features, genes)
    once, middles, _ = merged(points, genes, values, weights)
    groups = Groups.of_architectures(model.features, once)
    errors = model.rechosen_errors(once, middles, list(folds(groups, _count(groups))))
    return None if errors is None else errors[points.numbers] + np.log(values / middles[points.numbers])


def errors_of_fits(unfitted: CostModel, genes: Floats, values: Floats, weights: Floats) -> Floats:
    """Returns errors of the logarithm (n,) by fits of an unfitted model as it is; other arguments as above."""
    groups = Groups.of_architectures(unfitted.features, genes)
    return recalled(
        unfitted, (genes, values, weights), lambda: _out_of_fold(unfitted.clone, groups, genes, values, weights)
    )


def _out_of_fold(
    unfitted: Callable[[], CostModel], groups: Groups, genes: Floats, values: Floats, weights: Floats
) -> Floats:
    if len(groups) < 2:
        raise DataError(f"all {len(genes)} rows are one architecture: nothing can be left out. Measure more of them.")

    def predict(kept: Indices, left: Indices) -> Floats:
        different = None if groups.has_repeats else Groups.all_different(len(kept))
        return unfitted().fit_briefly(genes[kept], values[kept], weights[kept], different).predict_encoded(genes[left])

    kind = type(unfitted())
    predicted = out_of_fold(groups, _count(groups), predict, of=kind.name, threads_from=kind.threads_from)
    unknown = int(np.isnan(predicted).sum())
    if unknown:
        raise ContractError(
            f"the cost model '{kind.name}' predicts no positive number for {unknown} of {len(genes)} rows that were left "
            f"out of its fit; expected one for each"
        )
    return np.asarray(np.log(values / predicted))


def _count(groups: Groups) -> int:
    """Returns the number of folds."""
    return next((count for rows, count in FOLDS if len(groups) < rows), FEW_FOLDS)
