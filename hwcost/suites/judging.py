"""Whether a cost model still holds on its device: judged by measurements that were made after it was fitted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.data import Data
from hwcost.cost_models.prediction import Prediction
from hwcost.cost_models.training.metrics import metrics
from hwcost.suites.model_spec import Limits

__all__ = ["Judged", "judge", "judge_values"]

SURE = 2.0
"""Standard errors by which a level must differ from the limit's inside before it counts as drift."""

RARE = 0.01
"""Probability of as few measurements within intervals that hold, below which the intervals count as too narrow."""

COVERAGE = 0.9
"""Share of measurements that the intervals of cost models promise to hold."""


@dataclass(frozen=True)
class Judged:
    """How well a cost model predicts what was measured.

    Errors, rank correlation and coverage are those on architectures that the model did not learn from, where there are
    enough of them; of what it learnt from, they would be too good.

    Attributes:
        n: Number of measurements.
        n_held_out: Number of those that errors and coverage are of, and that the model did not learn from; 0 where there are
            too few of them, so that all measurements are judged; None without measurements.
        mape: Mean absolute error, percent; None without measurements.
        median_ape: Median absolute error, percent.
        kendall_tau: Rank correlation of predictions and measurements.
        coverage_90: Share of measurements within their 90 % intervals; None without intervals.
        level: Log of the factor by which the device is slower than the model says, the median over all architectures.
        holds: Whether every limit is kept.
        reason: Reason for the verdict, in one or more sentences.
        points: Rows ``[predicted, low, high, measured]``.
        importance: Share of each feature in what the model explains.
    """

    n: int
    n_held_out: int | None
    mape: float | None
    median_ape: float | None
    kendall_tau: float | None
    coverage_90: float | None
    level: float | None
    holds: bool
    reason: str
    points: tuple[tuple[float, float | None, float | None, float], ...] = ()
    importance: dict[str, float] | None = None


def judge(model: CostModel, data: Data, limits: Limits) -> Judged:
    """Judges a model by measurements of architectures of its space.

    Args:
        model: A fitted model.
        data: Measurements, of all roles.
        limits: Limits within which the model holds.
    """
    if not len(data):
        return replace(_nothing(0, limits), importance=model.importance())
    found = judge_values(model.predict(data.architectures), data.values, limits, learnt_from(model, data))
    return replace(found, importance=model.importance())


def learnt_from(model: CostModel, data: Data) -> NDArray[np.bool_]:
    """Says of every measured architecture whether the model learnt from it, shape (n,)."""
    learnt = model.measured_.keys() | model.doubts_.keys()
    return np.array([model.space.canonical(arch.genes) in learnt for arch in data.architectures], dtype=np.bool_)


def judge_values(
    prediction: Prediction, measured: Floats, limits: Limits, learnt: NDArray[np.bool_] | None = None
) -> Judged:
    """Judges predictions by measurements.

    Args:
        prediction: Predictions of n architectures, with intervals where the model has them.
        measured: Measured values, positive, shape (n,).
        limits: Limits within which the model holds.
        learnt: Whether the model learnt from each of them, shape (n,); None where it did from none.
    """
    n = len(measured)
    if n < limits.least_n:
        return _nothing(n, limits)
    held_out = np.arange(n) if learnt is None else np.flatnonzero(~learnt)
    is_held_out = len(held_out) >= limits.least_n
    rows = held_out if is_held_out else np.arange(n)
    values, low, high = (one[rows] for one in (prediction.values, prediction.low, prediction.high))
    found = metrics(measured[rows], values, low, high)
    errors = np.log(measured / prediction.values)
    level = float(np.median(errors))
    spread = 1.4826 * float(np.median(np.abs(errors - level)))
    failures = list(_failures(found, level, 1.2533 * spread / math.sqrt(n), len(rows), limits))
    reason = " ".join(failures) or (
        f"Mean error {found['mape']:.2g} % of at most {limits.mape:g} %, level {_percent(level)} of at most "
        f"{limits.level:g} %."
    )
    return Judged(
        n, len(held_out) if is_held_out else 0, found["mape"], found["median_ape"], found["kendall_tau"],
        found["coverage_90"], level, not failures, reason + _judged_by(n, len(held_out), limits),
        tuple(_points(prediction, measured)),
    )  # fmt: skip


def _judged_by(n: int, held_out: int, limits: Limits) -> str:
    """Says which architectures errors and coverage are of; empty where the model learnt from none of them.

    Args:
        n: Number of architectures.
        held_out: Number of those that the model did not learn from.
        limits: The limits.
    """
    if held_out == n:
        return ""
    if held_out >= limits.least_n:
        return f" Errors are those on {held_out} of {n} architectures, the ones that it did not learn from."
    which = f"{n - held_out} of the {n}" if held_out else f"all {n}"
    return (
        f" It learnt from {which} architectures, and its errors on others may be larger: with {limits.least_n} or more "
        "test_rows in a set of the suite, these judge it."
    )


def _failures(
    found: dict[str, float | None], level: float, error: float, n: int, limits: Limits
) -> Iterator[str]:
    """Yields a sentence for every limit that is not kept.

    Args:
        found: Metrics of the predictions.
        level: Log level of the device against the model.
        error: Standard error of the level.
        n: Number of measurements that the metrics are of.
        limits: The limits.
    """
    if abs(level) > math.log1p(limits.level / 100) and abs(level) > SURE * error:
        yield (
            f"The level of the device moved: it is {_percent(level)} {'slower' if level > 0 else 'faster'} than the model "
            f"says, where {limits.level:g} % is the limit."
        )
    mape, tau, coverage = found["mape"], found["kendall_tau"], found["coverage_90"]
    if mape is not None and mape > limits.mape:
        yield f"The mean error is {mape:.3g} %, where {limits.mape:g} % is the limit."
    if limits.kendall_tau is not None and (tau is None or tau < limits.kendall_tau):
        known = "unknown" if tau is None else f"{tau:.2f}"
        yield f"The rank correlation is {known}, where {limits.kendall_tau:g} is the limit."
    if limits.coverage and coverage is not None and _is_rare(round(coverage * n), n):
        yield f"The 90 % intervals hold {coverage:.0%} of {n} measurements."


def _is_rare(inside: int, n: int) -> bool:
    """Says whether so few of n measurements lie within intervals that hold 90 % with a small probability only."""
    from scipy import stats

    return bool(stats.binom.cdf(inside, n, COVERAGE) < RARE)


def _points(prediction: Prediction, measured: Floats) -> Iterator[tuple[float, float | None, float | None, float]]:
    columns = (prediction.values, prediction.low, prediction.high, measured)
    for value, low, high, seen in zip(*(column.tolist() for column in columns), strict=True):
        yield value, _known(low), _known(high), seen


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _percent(level: float) -> str:
    return f"{100 * abs(math.expm1(level)):.2g} %"


def _nothing(n: int, limits: Limits) -> Judged:
    reason = f"{n} measurements, where {limits.least_n} are needed to judge the model. It counts as holding until then."
    return Judged(n, None, None, None, None, None, None, True, reason)
