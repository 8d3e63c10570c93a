"""A cost model fitted on rows whose level may have moved, with errors that say how good both together are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.cost_models import cost_model
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.data import Data
from hwcost.cost_models.drift import Drift, estimate_drift
from hwcost.cost_models.features import Features
from hwcost.cost_models.groups import Groups
from hwcost.cost_models.hits import judge_hits
from hwcost.cost_models.intervals import keep_errors, left_out_errors
from hwcost.cost_models.repeats import without_own
from hwcost.cost_models.table_faults import level_fault
from hwcost.errors import DataError, UsageError

DriftChoice = Literal["auto", "none"]
DRIFT_CHOICES = ("auto", "none")


@dataclass(frozen=True)
class Fitted:
    """A fitted and calibrated model.

    Attributes:
        model: Predicts at the mean level of the rows that it was fitted on.
        drift: The level over the rows; None where none was looked for, or none found.
        rows: The rows of the fit; ascending where there is a level.
        errors: Errors of log latency on each of these rows left out, the level's own error in them, shape (n,).
    """

    model: CostModel
    drift: Drift | None
    rows: Indices
    errors: Floats

    def level(self, data: Data, rows: Indices) -> Floats:
        """Returns the log level at any rows of the data; shape (n,), zero without drift."""
        return np.zeros(len(rows)) if self.drift is None else self.drift(rows, runs_of(data, rows))


def drift_of(data: Data, rows: Indices, choice: DriftChoice = "auto") -> Drift | None:
    """Estimates how the level moved over some rows of a table; None where that is not asked for, or makes no sense.

    A campaign's rows have no order: its rounds have dealt with the level already.

    Raises:
        DataError: When the level moved further than the level of any machine does.
        UsageError: When the choice is unknown.
    """
    if choice not in DRIFT_CHOICES:
        raise UsageError(f"unknown drift '{choice}'. Known: {', '.join(DRIFT_CHOICES)}")
    if choice == "none" or not data.is_ordered:
        return None
    features = Features(data.space, **data.shape)
    archs, latency_s, _ = data.take(rows)
    drift = estimate_drift(features, features.encode(archs), latency_s, rows, runs_of(data, rows))
    fault = level_fault(data, drift.rows, drift(drift.rows, runs_of(data, drift.rows)))
    if fault is not None:
        raise DataError(f"{data.source}: {fault.flag.text} {fault.flag.remedy}")
    return drift


def runs_of(data: Data, rows: Indices) -> Indices | None:
    """Returns the measuring runs of some rows; None where the table does not name them."""
    return None if data.runs is None else data.runs[rows]


def fit_rows(name: str, data: Data, rows: Indices, drift: Drift | None = None, **options: Any) -> Fitted:
    """Fits and calibrates a model on some rows.

    The model is fitted on what the level leaves; what the model leaves then tells the level once more, and the model is
    fitted on what that leaves.

    Args:
        name: Name of a cost model.
        data: The rows.
        rows: Those to fit on.
        drift: From :func:`drift_of` on the same rows; None to take them as they stand.
        **options: What the model takes.
    """
    rows = np.sort(rows)
    model = cost_model(name, data.space, **{**data.shape, **options})
    archs, latency_s, weights = data.take(rows)
    genes, even = model.features.encode(archs), weights / weights.mean()
    groups = Groups.of(model.features, genes)
    if drift is None or drift.is_none:
        model.fit(archs, latency_s, weights)
        errors = left_out_errors(model, genes, latency_s, even)
        keep_errors(model, errors, groups)
        judge_hits(model, archs, latency_s, even, errors)
        return Fitted(model, None, rows, errors)
    runs = runs_of(data, rows)
    level = drift(rows, runs)
    model.fit(archs, latency_s * np.exp(-level), weights)
    bare = left_out_errors(model, genes, latency_s * np.exp(-level), even)
    errors = bare + level
    again = drift.again(without_own(groups, bare) + level, latency_s, runs)
    levelled_s = latency_s * np.exp(-again(rows, runs))
    model = model.refit(archs, levelled_s, weights)
    left = errors - again.left_out(runs)
    keep_errors(model, left, groups)
    judge_hits(model, archs, levelled_s, even, left)
    return Fitted(model, None if again.is_none else again, rows, left)
