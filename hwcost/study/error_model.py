"""How far candidates lie from what a cost model predicts of them: errors that candidates share, and errors of their own.

The logarithm of true over predicted latency of a candidate is a Gaussian process: a level that all candidates share, of
which nothing is known beforehand; an error that candidates share as far as they share genes, as where a price is wrong; and
an error of the candidate alone. A measurement has noise besides. Candidates that were chosen for their predictions are much
alike, so that most of the model's error is the same in all of them, and decides nothing between them.

How large each part is, errors on left-out rows tell, and those of the measured candidates: every combination of sizes is as
probable as it explains both, and the draws are from all of them. A row's noise is that of its own measurement, which is
likely to be about as large as that of a candidate. What the rows leave open is in all combinations, as refits of the model
vary (:mod:`hwcost.study.refits`). (Compare Qiu et al., "Quantifying point-prediction uncertainty in neural
networks via residual estimation", ICLR 2020; Rasmussen and Williams, "Gaussian processes for machine learning", 2006,
sections 2.7 and 5.2; draws by Matheron's rule: Wilson et al., JMLR 2021.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.training.intervals import CHECK_ERRORS
from hwcost.cost_models.training.refitting import OwnRows

__all__ = ["ErrorModel", "LeftOut", "shared_features"]

LEAST_FREEDOM = 2
"""Fewest degrees of freedom of errors that anything is claimed with: those of three candidates about their level."""

SHARED = np.array([0.0, 0.15, 0.3, 0.45, 0.6, 0.8, 1.0, 1.5, 2.5, 4.0])
OWN = np.array([0.0, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.5, 2.5, 4.0])
NOISES = np.array([0.0, 0.15, 0.3, 0.45, 0.6, 0.8, 1.0, 1.3])
"""Standard deviations of the shared error, of a candidate's own, and of the noise of rows, relative to the root mean square
of all known errors."""

LIKE = 0.5
"""Standard deviation of the logarithm of a row's noise over a candidate's, beforehand."""

APART = 1 / 3
"""Variance of the shared error about its mean over nets drawn at random, relative to its variance."""

MOST_ROWS = 300
"""Left-out rows whose errors are looked at; evenly chosen where there are more."""

AGREED = 0.999
"""Probability beyond which errors of the candidates contradict those of the rows, which then tell nothing of them."""

LEVELS = 16
"""Most values of a gene that are distinguished."""

TINY = float(np.finfo(np.float64).tiny)


def shared_features(places: Floats) -> Floats:
    """Returns features (n, k) whose inner products say which share of its error a net has in common with another one.

    It is the mean over genes of one less the distance between their values, half of which is kept by equal values alone.

    Args:
        places: Place of each gene's value among its choices, from 0 to 1, shape (n, genes).
    """
    found = [_of_gene(column) for column in places.T if np.ptp(column) > 0]
    if not found:
        return np.ones((len(places), 1))
    return np.asarray(np.concatenate(found, axis=1) / np.sqrt(len(found)))


def _of_gene(column: Floats) -> Floats:
    if len(np.unique(column)) > LEVELS:
        column = np.rint(column * (LEVELS - 1)) / (LEVELS - 1)
    values, which = np.unique(column, return_inverse=True)
    spread, vectors = np.linalg.eigh((np.eye(len(values)) + 1.0 - np.abs(values[:, None] - values[None])) / 2)
    return np.asarray((vectors * np.sqrt(np.maximum(spread, 0.0)))[which])


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Errors (log) of a cost model on nets that it did not see, as far as they are independent of each other.

    Attributes:
        squares: Squared errors along the directions in which they are independent, shape (n,).
        shared: Variance of the shared error along each, relative to that of a net, shape (n,).
    """

    squares: Floats
    shared: Floats

    @classmethod
    def of(cls, cost: CostModel) -> LeftOut:
        """Finds what a fitted model gets wrong: rows left out, or the whole models that its prices were checked on."""
        rows = OwnRows.of(cost)
        if len(rows) > 1:
            some = np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).round().astype(int)
            genes, errors = rows.genes[some], rows.left_out_errors()[some]
            features = shared_features(_ranks(genes))
            features, errors = features - features.mean(axis=0), errors - errors.mean()  # the fit has learned the level
            shared, directions = np.linalg.eigh(features @ features.T)
            return cls((directions.T @ errors) ** 2, np.maximum(shared, 0.0))
        checks = cost.provenance.get(CHECK_ERRORS, ()) if cost.errors_ is None else cost.errors_
        errors = np.asarray([] if len(rows) else checks, dtype=np.float64)
        count = max(len(errors) - 1, 0)
        return cls(np.full(count, errors.var(ddof=1) if count else 0.0), np.full(count, APART))

    def log_likelihoods(self, shared: Floats, rest: Floats) -> Floats:
        """Returns the logarithm of the likelihood (k,) of k variances of a net's shared error, and of all else."""
        variances = np.maximum(shared[:, None] * self.shared + rest[:, None], TINY)
        return np.asarray(-0.5 * (np.log(variances) + self.squares / variances).sum(axis=1))


def _ranks(genes: Floats) -> Floats:
    """Returns the place of each value among those of its column, from 0 to 1."""
    columns = [np.unique(column, return_inverse=True) for column in genes.T]
    return np.stack([which / max(len(values) - 1, 1) for values, which in columns], axis=1)


@dataclass(frozen=True, eq=False)
class ErrorModel:
    """What is known of the errors of a cost model on n candidates, of which the first m are measured.

    Attributes:
        features: Shared features of the candidates, shape (n, k).
        spread: Uncertainty (log) of the cost model's answers that its rows leave, as independent shares of it, shape (n, r).
        residuals: Log of measured over predicted latency, shape (m,).
        noises: Standard deviation (log) of each measurement; NaN where it has no interval, shape (m,).
        variances: Variances of the shared error, of a candidate's own, and of the noise of a row, in every combination,
            shape (c, 3).
        chances: Probability of each combination, shape (c,).
        is_known: Whether enough errors are known for a probability.
    """

    features: Floats
    spread: Floats
    residuals: Floats
    noises: Floats
    variances: Floats
    chances: Floats
    is_known: bool

    @classmethod
    def of(cls, left_out: LeftOut, features: Floats, spread: Floats, residuals: Floats, noises: Floats) -> ErrorModel:
        """Finds how probable each combination of variances is.

        Args:
            left_out: The cost model's errors on nets that it did not see.
            features: Shared features of the candidates, measured ones first, shape (n, k).
            spread: Uncertainty (log) of the cost model's answers that its rows leave, shape (n, r).
            residuals: Log of measured over predicted latency, shape (m,).
            noises: Standard deviation (log) of each measurement; NaN where it has no interval, shape (m,).
        """
        made = cls._of(left_out, features, spread, residuals, noises)
        if made._unexplained() > stats.chi2.ppf(AGREED, max(len(residuals) - 1, 1)):
            return cls._of(LeftOut(np.empty(0), np.empty(0)), features, spread, residuals, noises)
        return made

    @classmethod
    def _of(cls, left_out: LeftOut, features: Floats, spread: Floats, residuals: Floats, noises: Floats) -> ErrorModel:
        freedom = len(left_out.squares) + max(len(residuals) - 1, 0)
        squares = float(left_out.squares.sum()) + (float(residuals.var()) * len(residuals) if len(residuals) else 0.0)
        scale = squares / max(freedom, 1)
        parts = np.stack(np.meshgrid(SHARED, OWN, NOISES, indexing="ij"), axis=-1).reshape(-1, 3)
        even = np.full(len(parts), 1 / len(parts))
        made = cls(features, spread, residuals, noises, scale * parts**2, even, freedom >= LEAST_FREEDOM)
        if not scale > 0:
            return made
        shared, own, of_row = made.variances.T
        rest = own + of_row + float((spread**2).sum()) / max(len(spread), 1)
        logs = left_out.log_likelihoods(shared, rest) + made._log_likelihoods() + made._log_likeness()
        chances = np.exp(logs - logs.max())
        return replace(made, chances=chances / chances.sum())

    def _unexplained(self) -> float:
        """Returns the sum of squared errors of the measured candidates about their level, relative to what is expected."""
        return float(self.chances @ self._fits()[1])

    def _log_likelihoods(self) -> Floats:
        """Returns the logarithm of the likelihood of the measured candidates' errors about their level, shape (c,)."""
        logs, squares = self._fits()
        return np.asarray(-0.5 * (logs + squares))

    def _fits(self) -> tuple[Floats, Floats]:
        """Returns the logarithm of the determinant of the candidates' covariance, and their squares by it, both (c,)."""
        if len(self.residuals) < 2:
            return np.zeros(len(self.variances)), np.zeros(len(self.variances))
        inverses = np.linalg.inv(covariances := self._covariances(self.variances))
        ones = inverses.sum(axis=2)
        total = ones.sum(axis=1)
        left = self.residuals - (ones @ self.residuals / total)[:, None]
        squares = np.einsum("ci,cij,cj->c", left, inverses, left)
        return np.asarray(np.linalg.slogdet(covariances)[1] + np.log(total)), np.asarray(squares)

    def _log_likeness(self) -> Floats:
        """Returns the logarithm of the probability beforehand that a row has such a noise, shape (c,)."""
        known = self.noises[np.isfinite(self.noises)]
        if not len(known) or not (usual := float(np.median(known))) > 0:
            return np.zeros(len(self.variances))
        rows = np.sqrt(np.maximum(self.variances[:, 2], (0.1 * usual) ** 2))
        return np.asarray(-0.5 * (np.log(rows / usual) / LIKE) ** 2)

    def _covariances(self, variances: Floats) -> Floats:
        """Returns the covariance of the measured candidates' errors and noise, shape (c, m, m)."""
        some, spread = self.features[: len(self.residuals)], self.spread[: len(self.residuals)]
        alone = variances[:, 1:2] + self._noise(variances)
        shared = variances[:, :1, None] * (some @ some.T) + spread @ spread.T
        return np.asarray(shared + np.eye(len(some)) * alone[:, None, :])

    def _noise(self, variances: Floats) -> Floats:
        """Returns the variance of each measurement, shape (c, m); that of a row where it has no interval."""
        known = np.where(np.isfinite(self.noises), self.noises, 0.0) ** 2
        return np.asarray(np.maximum(np.where(np.isfinite(self.noises), known, variances[:, 2:3]), 1e-14))

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        """Draws the logarithm of true over predicted latency of every candidate, given what was measured; (count, n).

        Args:
            rng: Source of random numbers.
            count: Number of draws.
        """
        places = np.sort(rng.choice(len(self.chances), count, p=self.chances))
        deviations = np.sqrt(self.variances[places])
        shared = rng.standard_normal((count, self.features.shape[1]))
        own = deviations[:, 1:2] * rng.standard_normal((count, len(self.features)))
        drawn = deviations[:, :1] * (shared @ self.features.T) + own
        drawn += rng.standard_normal((count, self.spread.shape[1])) @ self.spread.T
        if not len(self.residuals):
            return np.asarray(drawn)
        for place in np.unique(places):
            rows = np.flatnonzero(places == place)
            drawn[rows] = self._given(self.variances[place], drawn[rows], rng)
        return np.asarray(drawn)

    def _given(self, variances: Floats, drawn: Floats, rng: np.random.Generator) -> Floats:
        """Returns draws (k, n) of the errors, beforehand, as draws of the level and them once candidates are measured."""
        m = len(self.residuals)
        inverse = np.linalg.inv(self._covariances(variances[None])[0])
        ones = inverse.sum(axis=1)
        noise = np.sqrt(self._noise(variances[None])) * rng.standard_normal((len(drawn), m))
        left = self.residuals - drawn[:, :m] - noise
        level = left @ ones / ones.sum()  # its own error is that of the draws
        weights = (left - level[:, None]) @ inverse
        moved = drawn + level[:, None] + variances[0] * (weights @ self.features[:m]) @ self.features.T
        moved += (weights @ self.spread[:m]) @ self.spread.T
        moved[:, :m] += variances[1] * weights
        return np.asarray(moved)
