"""The factor between few rows and a shape, under noise of unknown width and tails.

Most of what three rows tell is one factor, and a row that a busy moment made slow moves a mean by a third of its error. The
factor is one dimension, so that nothing need be approximated: its distribution given the rows is summed over widths of the
noise and over degrees of freedom, Cauchy's to normal (Lange, Little and Taylor 1989, Robust statistical modeling using the
t distribution, JASA 84, section 5). Its median lies by the mean where rows agree, by the middle row where one is far off.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, stdtrit

from hwcost._types import Floats
from hwcost.cost_models.priors.experts import NOISES
from hwcost.cost_models.priors.noise import NORMAL
from hwcost.cost_models.training.conformal import LEVEL

FREEDOMS = (1.0, 2.0, 4.0, np.inf)
"""Degrees of freedom of the noise, at even odds; its 90 % interval is as wide as normal noise's."""

PLACES = np.linspace(-1.0, 2.0, 121)
"""Logarithms of factors that are weighed: 0 stands for the least ratio of a row, 1 for the largest."""

LEAST_RANGE = 1e-6


def factor(ratios: Floats, weights: Floats, noises: Floats) -> float:
    """Returns the median of the factor by which a shape is to be multiplied.

    Args:
        ratios: Values of rows over what the shape says, shape (n,).
        weights: Weights of the rows, mean about 1, shape (n,).
        noises: Log probability of every noise of ``NOISES``, shape (noises,).
    """
    logs = np.log(ratios)
    places = logs.min() + max(float(np.ptp(logs)), LEAST_RANGE) * PLACES
    errors = (logs - places[:, None]) * np.sqrt(weights)
    known = np.logaddexp.reduce([_evidence(errors, freedom, noises) for freedom in FREEDOMS], axis=0)
    shares = np.exp(known - known.max())
    reached = np.cumsum(shares) - 0.5 * shares
    return float(np.exp(np.interp(0.5 * shares.sum(), reached, places)))


def _evidence(errors: Floats, freedom: float, noises: Floats) -> Floats:
    """Returns the log probability of errors (places, n), summed over noises; shape (places,)."""
    if np.isinf(freedom):
        scales, constant = NOISES, -0.5 * np.log(2.0 * np.pi)
        logs = -0.5 * (errors[:, :, None] / scales) ** 2
    else:
        scales = NOISES * NORMAL / float(stdtrit(freedom, 0.5 + LEVEL / 2.0))
        constant = gammaln((freedom + 1.0) / 2.0) - gammaln(freedom / 2.0) - 0.5 * np.log(freedom * np.pi)
        logs = -0.5 * (freedom + 1.0) * np.log1p((errors[:, :, None] / scales) ** 2 / freedom)
    return np.asarray(np.logaddexp.reduce((logs + constant - np.log(scales)).sum(axis=1) + noises, axis=1))
