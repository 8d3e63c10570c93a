"""How probable the latencies of blocks are in every state of the machine: noise about the delay of the state."""

from __future__ import annotations

import math

import numpy as np

from hwcost._types import Floats, Indices

QUICK = 8.0
"""Scales of the noise beyond which an improbably quick block is no less probable in proportion to its square."""

DEGREES = 4.0
"""Degrees of freedom of the t distribution of a block's noise, which has outliers."""

PART = 1000
"""Blocks whose densities are computed at once."""


def log_density_of(residual: Floats, item: Indices, felt: Floats, scale: Floats) -> Floats:
    """Returns the log density of every block in every state, shape (n, states); computed in parts that fit the caches.

    Args:
        residual: Log latency less all but the delay, shape (n,).
        item: Index of each block's item, shape (n,).
        felt: Log delay of each item in every state, shape (items, states).
        scale: Scale of the noise of each item's blocks in every state, shape (items, states).
    """
    found, log_scale = np.empty((len(residual), felt.shape[1])), np.log(scale)
    for first in range(0, len(residual), PART):
        rows = slice(first, first + PART)
        of = item[rows]
        found[rows] = _log_noise((residual[rows, None] - felt[of]) / scale[of]) - log_scale[of]
    return found


def _log_noise(z: Floats) -> Floats:
    """Log density of noise, in scales: a t distribution towards slow blocks, and a normal one towards quick ones.

    Much slows a block now and then, and nothing speeds it up; so a state of which some blocks are far quicker is not the
    uncontended one.
    """
    constant = math.lgamma((DEGREES + 1) / 2) - math.lgamma(DEGREES / 2) - 0.5 * math.log(DEGREES * math.pi)
    slow, quick = np.maximum(z, 0.0), np.maximum(-z, 0.0)
    near = np.minimum(quick, QUICK)
    return np.asarray(constant - (DEGREES + 1) / 2 * np.log(1.0 + slow**2 / DEGREES) - near * (quick - 0.5 * near))
