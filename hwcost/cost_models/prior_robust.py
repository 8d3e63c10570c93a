"""Rows that are off by far count less: noise of rows has the heavier tails of Student's distribution.

The noise of a row is normal with the variance ``noise^2 / share``, and its share is not known beforehand: it is drawn from
the Gamma distribution that makes the noise Student's with four degrees of freedom (Lange, Little and Taylor 1989, Robust
statistical modeling using the t distribution, JASA 84; four is what they advise for small samples). Expected shares and the
mixture of Gaussian experts are found in turn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import gammaincinv

from hwcost._stats import median_deviation
from hwcost._types import Floats
from hwcost.cost_models.prior_experts import NOISES, Expert, Posterior, posteriors

FREEDOM = 4.0
"""Degrees of freedom of the noise of a row."""

ROUNDS = 3
COARSE = 0.05
"""Settings of less weight, against the heaviest, do not decide about shares."""

STILL = 0.02
"""Shares stand still once none changes by more than this."""

_PARTS = 6
TAILS = FREEDOM / 2.0 / gammaincinv(FREEDOM / 2.0, (np.arange(_PARTS) + 0.5) / _PARTS)
"""Variances of a row's noise, equally probable, in squares of its scale."""


def robust_posteriors(
    members: Sequence[Expert], settings: Floats, noises: Floats, columns: Floats, values: Floats, weights: Floats
) -> list[Posterior]:
    """Does what :func:`hwcost.cost_models.prior_experts.posteriors` does, with Student's noise; same arguments.

    It begins with the shares that a plain median leaves, from which a row that is far off cannot draw the fit to itself.
    """
    shares = _first(members, noises, columns, values)
    for _ in range(ROUNDS):
        found = posteriors(members, settings, noises, columns, values, weights * shares, COARSE)
        before, shares = shares, _share(_misfits(found, columns, values, weights))
        if np.abs(shares - before).max() < STILL:
            break
    return posteriors(members, settings, noises, columns, values, weights * shares)


def _share(squares: Floats) -> Floats:
    """Expected share of rows whose squared error in units of the noise is known."""
    return np.asarray((FREEDOM + 1.0) / (FREEDOM + squares))


def _first(members: Sequence[Expert], noises: Floats, columns: Floats, values: Floats) -> Floats:
    """Shares by the errors about the median ratio to the last expert but one, the mean of all sources."""
    ratios = np.log(values / np.maximum(columns @ members[-2].base, 1e-12))
    errors = ratios - np.median(ratios)
    usual = float(np.exp(np.exp(noises) @ np.log(NOISES)))
    return _share(errors**2 / (median_deviation(errors) ** 2 + usual**2))


def _misfits(found: Sequence[Posterior], columns: Floats, values: Floats, weights: Floats) -> Floats:
    """Expected squared error of every row in units of the noise, shape (n,)."""
    total = np.zeros(len(values))
    for one in found:
        predicted = columns @ one.mean
        spread = np.einsum("ij,jk,ik->i", columns, one.covariance, columns)
        squares = ((values - predicted) ** 2 + spread) / np.maximum(predicted, 0.1 * values) ** 2
        total += one.weight * weights * squares / one.noise**2
    return total
