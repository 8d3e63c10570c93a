"""How far candidates lie from what a cost model predicts of them: its level, and an error of their own.

A model that kept its measurements is fitted again on those of candidates too, so that its level is right. Its errors on
left-out rows hold what the refits leave open, the noise of a row, and the error of a candidate itself. How much of the rest
is the candidate's own, rows measured once cannot tell: noise that is taken for an error of the model makes one of a thousand
unmeasured candidates appear better than any measured one. The measured candidates tell it, as their intervals say how far
they are off by themselves: every share from none to all is as probable as it explains their errors on being left out.

Any other model stays as it is, such as a lookup table of measured components. By how much its predictions are too high or
too low as a whole, the measured candidates tell; that holds for all candidates, and makes no measured one better than
another. How far single ones lie from that level, they tell too, with the whole models that the components were checked on.

Few errors leave open how large errors are: their variance is drawn as from its posterior, which makes the errors Student's
(Gelman et al., Bayesian Data Analysis, 3rd ed. 2013, section 3.2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.training.intervals import CHECK_ERRORS
from hwcost.cost_models.training.refitting import OwnRows
from hwcost.spaces.base import Architecture

__all__ = ["OwnErrors", "own_errors"]

LEAST_FREEDOM = 2
"""Fewest degrees of freedom of a variance that anything is claimed with: those of three candidates about their level."""


SHARES = np.linspace(0.0, 1.0, 41)
"""Shares of a variance that may be the candidates' own."""


@dataclass(frozen=True)
class OwnErrors:
    """What is known of the errors (log) of a cost model on candidates.

    Attributes:
        variance: Variance of the error of a candidate about the level and the refits of the model, the noise of a row in it
            as far as ``shares`` says.
        total: Variance of one measurement of a candidate about its prediction.
        freedom: Degrees of freedom of both; 0 where nothing is known, and both are 0 too.
        shift: Log of the level of candidates over their predictions.
        measured: Number of candidates that it was estimated from; 0 for a model that has learned it.
        shares: Probability of each of ``SHARES`` of the variance being the candidates' own; None where all of it is.
    """

    variance: float
    total: float
    freedom: int
    shift: float = 0.0
    measured: int = 0
    shares: Floats | None = None

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
        shares = np.ones(count) if self.shares is None else rng.choice(SHARES, count, p=self.shares)
        own = np.sqrt(self.variance * shares) * scales
        error = own / math.sqrt(self.measured) if self.measured else np.zeros(count)
        return self.shift + error * rng.standard_normal(count), own, math.sqrt(self.total) * scales


def own_errors(cost: CostModel, logs: Floats, residuals: Floats, noises: Mapping[Architecture, float]) -> OwnErrors:
    """Finds the errors of a cost model on candidates.

    Args:
        cost: The cost model, fitted on its own measurements and those of candidates, where it kept its own.
        logs: Logarithm of every refit's answer to n candidates, shape (refits, n).
        residuals: Log of measured over predicted value of each measured candidate, shape (m,).
        noises: Standard deviation (log) of the measurement of each measured candidate that has an interval.
    """
    rows = OwnRows.of(cost)
    if len(rows) > 1:
        return _of_learning(cost, rows, logs, noises)
    if len(rows):
        return OwnErrors(0.0, 0.0, 0)
    checks = cost.provenance.get(CHECK_ERRORS, ()) if cost.errors_ is None else cost.errors_
    return _of_fixed(np.asarray(checks, dtype=np.float64), residuals)


def _of_learning(cost: CostModel, rows: OwnRows, logs: Floats, noises: Mapping[Architecture, float]) -> OwnErrors:
    left_out = rows.left_out_errors()
    errors = left_out if cost.errors_ is None else cost.errors_
    shared = float(logs.var(axis=0).mean()) if len(logs) > 1 and logs.size else 0.0
    total = float(np.mean(errors**2))
    variance = max(total - shared, 0.0)
    places = rows.places(noises)
    known = np.array([(left_out[place], noises[arch]) for arch, place in places.items()], dtype=np.float64).reshape(-1, 2)
    return OwnErrors(variance, total, len(errors), shares=_shares(variance, known[:, 0], shared + known[:, 1] ** 2))


def _shares(variance: float, errors: Floats, others: Floats) -> Floats:
    """Returns the probability of each of ``SHARES``, all alike beforehand, by errors (m,) that have other variances (m,)."""
    variances = np.maximum(SHARES[:, None] * variance + others, np.finfo(np.float64).tiny)
    logs = -0.5 * (np.log(variances) + errors**2 / variances).sum(axis=1)
    likelihoods = np.exp(logs - logs.max())
    return np.asarray(likelihoods / likelihoods.sum())


def _of_fixed(checks: Floats, residuals: Floats) -> OwnErrors:
    """Pools the spread of both about the mean of each: the machine may have moved between them."""
    groups = [one for one in (checks, residuals) if len(one)]
    freedom = sum(len(one) - 1 for one in groups)
    squares = sum(float(((one - one.mean()) ** 2).sum()) for one in groups)
    variance = squares / freedom if freedom else 0.0
    shift = float(residuals.mean()) if len(residuals) else 0.0
    return OwnErrors(variance, variance, freedom, shift, len(residuals))
