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


def log_density_of(residual: Floats, item: Indices, felt: Floats, scale: Floats, together: int = 1) -> Floats:
    """Returns the log density of the blocks of every moment in every state, shape (moments, states).

    It is computed in parts that fit the caches, so that memory holds the moments and not the blocks.

    Args:
        residual: Log latency less all but the delay, shape (n,).
        item: Index of each block's item, shape (n,).
        felt: Log delay of each item in every state, shape (items, states).
        scale: Scale of the noise of each item's blocks in every state, shape (items, states).
        together: Number of neighbouring blocks that share a moment.
    """
    n, log_scale, size = len(residual), np.log(scale), together * max(1, PART // together)
    found = np.empty((math.ceil(n / together), felt.shape[1]))
    for first in range(0, n, size):
        rows = slice(first, first + size)
        of = item[rows]
        blocks = _log_noise((residual[rows, None] - felt[of]) / scale[of]) - log_scale[of]
        moments = blocks if together == 1 else np.add.reduceat(blocks, np.arange(0, len(of), together))
        found[first // together : first // together + len(moments)] = moments
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
