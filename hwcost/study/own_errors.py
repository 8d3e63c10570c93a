"""How far candidates lie from what a cost model predicts of them: its level, and an error of their own.

A model that kept its measurements is fitted again on those of candidates too, so that its level is right; its errors on
left-out rows tell the error of a candidate beyond what its refits leave open.

Any other model stays as it is, such as a lookup table of measured components. By how much its predictions are too high or
too low as a whole, the measured candidates tell; that holds for all candidates, and makes no measured one better than
another. How far single ones lie from that level, they tell too, with the whole models that the components were checked on.

Few errors leave open how large errors are: their variance is drawn as from its posterior, which makes the errors Student's
(Gelman et al., Bayesian Data Analysis, 3rd ed. 2013, section 3.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.training.intervals import CHECK_ERRORS
from hwcost.cost_models.training.refitting import OwnRows

__all__ = ["OwnErrors", "own_errors"]

LEAST_FREEDOM = 2
"""Fewest degrees of freedom of a variance that anything is claimed with: those of three candidates about their level."""


@dataclass(frozen=True)
class OwnErrors:
    """What is known of the errors (log) of a cost model on candidates.

    Attributes:
        variance: Variance of the error of a candidate about the level and the refits of the model.
        total: Variance of one measurement of a candidate about its prediction.
        freedom: Degrees of freedom of both; 0 where nothing is known, and both are 0 too.
        shift: Log of the level of candidates over their predictions.
        measured: Number of candidates that it was estimated from; 0 for a model that has learned it.
    """

    variance: float
    total: float
    freedom: int
    shift: float = 0.0
    measured: int = 0

    @property
    def is_known(self) -> bool:
        """Whether enough is known for a probability."""
        return self.freedom >= LEAST_FREEDOM

    def draw(self, rng: np.random.Generator, count: int) -> tuple[Floats, Floats, Floats]:
        """Draws the level, and the standard deviations of a candidate's own error and of a measurement's; shape (count,).

        Args:
            rng: Source of random numbers.
            count: Number of draws.
        """
        scales = np.sqrt(self.freedom / rng.chisquare(self.freedom, count)) if self.is_known else np.ones(count)
        own = math.sqrt(self.variance) * scales
        error = own / math.sqrt(self.measured) if self.measured else np.zeros(count)
        return self.shift + error * rng.standard_normal(count), own, math.sqrt(self.total) * scales


def own_errors(cost: CostModel, logs: Floats, residuals: Floats) -> OwnErrors:
    """Finds the errors of a cost model on candidates.

    Args:
        cost: The cost model, fitted on its own measurements and those of candidates, where it kept its own.
        logs: Logarithm of every refit's answer to n candidates, shape (refits, n).
        residuals: Log of measured over predicted value of each measured candidate, shape (m,).
    """
    rows = OwnRows.of(cost)
    if len(rows):
        return _of_learning(_left_out(cost, rows), logs)
    checks = cost.provenance.get(CHECK_ERRORS, ()) if cost.errors_ is None else cost.errors_
    return _of_fixed(np.asarray(checks, dtype=np.float64), residuals)


def _left_out(cost: CostModel, rows: OwnRows) -> Floats:
    """Returns errors of the logarithm on left-out rows, also of so few that the model has no interval."""
    if cost.errors_ is not None or len(rows) < 2:
        return np.zeros(0) if cost.errors_ is None else cost.errors_
    return rows.left_out_errors()


def _of_learning(errors: Floats, logs: Floats) -> OwnErrors:
    if not len(errors):
        return OwnErrors(0.0, 0.0, 0)
    shared = float(logs.var(axis=0).mean()) if len(logs) > 1 and logs.size else 0.0
    total = float(np.mean(errors**2))
    return OwnErrors(max(total - shared, 0.0), total, len(errors))


def _of_fixed(checks: Floats, residuals: Floats) -> OwnErrors:
    """Pools the spread of both about the mean of each: the machine may have moved between them."""
    groups = [one for one in (checks, residuals) if len(one)]
    freedom = sum(len(one) - 1 for one in groups)
    squares = sum(float(((one - one.mean()) ** 2).sum()) for one in groups)
    variance = squares / freedom if freedom else 0.0
    shift = float(residuals.mean()) if len(residuals) else 0.0
    return OwnErrors(variance, variance, freedom, shift, len(residuals))
