"""Noise of rows with and without heavy tails, weighed by evidence.

A row of a shared machine may be off by far more than its neighbours, and normal noise lets one such row draw the model to
itself. With heavy tails the noise is normal with the variance ``noise^2 / share``, where the share of a row is drawn from
the Gamma distribution that makes the noise Student's. Within a band of noises, shares and the mixture of Gaussian experts
are found in turn, as independent of each other given the rows (Tipping and Lawrence 2005, Variational inference for
Student-t models, Neurocomputing 69, section 3). That gives a lower bound of the evidence of heavy tails, which is weighed
against the evidence of normal noise, times what the sources say about either: rows that are normal lose nothing by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from hwcost._stats import median_deviation
from hwcost._types import Floats
from hwcost.cost_models.priors.experts import NOISES, Expert, Posterior, weigh
from hwcost.cost_models.priors.noise import FREEDOM, for_heavy_tails

ROUNDS = 3
"""Rounds in which shares and coefficients are found in turn, at the most."""

STILL = 0.02
"""Shares stand still once none changes by more than this."""

BANDS, MANY = 5, 40
"""Bands of noise, each with shares of its own, up to so many rows; with more of them one noise stands out."""

EACH = 60
"""Gaussians that represent what a band says."""

UNLIKELY = 0.01
"""A kind of noise, or a band of it, of less probability is left out."""

_SHAPE = (FREEDOM + 1.0) / 2.0
_HALF = FREEDOM / 2.0


def weigh_tails(
    members: Sequence[Expert],
    views: Floats,
    noises: Floats,
    tails: float,
    columns: Floats,
    values: Floats,
    weights: Floats,
) -> list[Posterior]:
    """Returns what rows say about the coefficients under both kinds of noise: a mixture whose weights sum to 1.

    Args:
        members: The experts.
        views: Log probability of every expert and setting before any row is known, shape (experts, settings).
        noises: Log probability of every noise, shape (noises,).
        tails: Probability of heavy tails.
        columns: Columns of the rows, shape (n, columns).
        values: Measured values, shape (n,).
        weights: Weights of the rows, shape (n,).
    """
    normal = weigh(members, views, noises, columns, values, weights)
    wide = for_heavy_tails(noises)
    heavy = [
        _in_band(members, views, np.where(is_inside, wide, -np.inf), columns, values, weights)
        for is_inside in _bands(len(values))
    ]
    logs = np.array([normal[1] + np.log(1.0 - tails), *(log + np.log(tails) for _, log in heavy)])
    shares = np.exp(logs - logs.max())
    shares = np.where(shares < UNLIKELY * shares.sum(), 0.0, shares)
    kinds = [0.0, *(FREEDOM for _ in heavy)]
    return [
        replace(one, weight=share * one.weight, freedom=kind)
        for share, kind, (found, _) in zip(shares / shares.sum(), kinds, [normal, *heavy], strict=True)
        if share
        for one in found
    ]


def bound(rates: Floats) -> float:
    """Returns what shares of Gamma distributions with given rates (n,) add to a lower bound of the log evidence.

    It is added to the evidence at the mean shares. Where nothing but the share of a row is unknown, the sum is the log
    density of Student's distribution exactly.
    """
    logs = 0.5 * (digamma(_SHAPE) - np.log(_SHAPE))
    away = (
        (_SHAPE - _HALF) * digamma(_SHAPE) - gammaln(_SHAPE) + gammaln(_HALF)
        + _HALF * np.log(rates / _HALF) + _SHAPE * (_HALF - rates) / rates
    )  # fmt: skip
    return float(np.sum(logs - away))


def _bands(n: int) -> list[NDArray[np.bool_]]:
    """Returns which noises each band holds."""
    parts = np.array_split(np.arange(len(NOISES)), BANDS if n <= MANY else 1)
    return [np.isin(np.arange(len(NOISES)), part) for part in parts]


def _in_band(
    members: Sequence[Expert], views: Floats, noises: Floats, columns: Floats, values: Floats, weights: Floats
) -> tuple[list[Posterior], float]:
    """Returns the mixture under heavy-tailed noise of one band, and the bound of its log evidence."""
    rates = _first(members, noises, columns, values)
    for _ in range(ROUNDS):
        found, evidence = weigh(members, views, noises, columns, values, weights * _SHAPE / rates, EACH)
        log = evidence + bound(rates)
        before, rates = rates, _rates(_misfits(found, columns, values, weights))
        if np.abs(_SHAPE / rates - _SHAPE / before).max() < STILL:
            break
    return found, log


def _rates(squares: Floats) -> Floats:
    """Rates of the Gamma distributions of shares of rows whose expected squared errors in units of the noise are known."""
    return np.asarray((FREEDOM + squares) / 2.0)


def _first(members: Sequence[Expert], noises: Floats, columns: Floats, values: Floats) -> Floats:
    """Rates by the errors about the median ratio to the last expert but one: the mean of all sources, or the only one."""
    ratios = np.log(values / np.maximum(columns @ members[-2].base, 1e-12))
    errors = ratios - np.median(ratios)
    shares = np.exp(noises - noises.max())
    usual = float(np.exp(shares @ np.log(NOISES) / shares.sum()))
    return _rates(errors**2 / (median_deviation(errors) ** 2 + usual**2))


def _misfits(found: Sequence[Posterior], columns: Floats, values: Floats, weights: Floats) -> Floats:
    """Expected squared error of every row in units of the noise, shape (n,)."""
    means, spreads = np.stack([one.mean for one in found]), np.stack([one.covariance for one in found])
    shares = np.array([one.weight / one.noise**2 for one in found])
    predicted = means @ columns.T
    known = ((columns @ spreads) * columns).sum(axis=2)
    squares = ((values - predicted) ** 2 + known) / np.maximum(predicted, 0.1 * values) ** 2
    return np.asarray(weights * (shares @ squares))
