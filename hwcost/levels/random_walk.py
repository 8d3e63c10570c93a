"""Smooths a series that drifts like a random walk, and jumps where it is told to.

The estimate minimises ``sum w (y - g)^2 + sum memory^2 / gap (g[i+1] - g[i])^2``: the posterior mean of a random walk, whose
weights on the neighbours fall like ``exp(-distance / memory)``. The system is tridiagonal, so fit, leverages and
leave-one-out errors cost time in proportion to n, for all memories at once.

Source: J. Durbin and S. J. Koopman, Time Series Analysis by State Space Methods, 2012, section 2 (local level model).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


LEAST_GAP = 1e-3
"""Values closer to each other than this, in mean spacings, count as this far apart."""


@dataclass(frozen=True)
class Smooths:
    """One smooth per memory.

    Attributes:
        fitted: Shape (k, n).
        leverage: Share of each value in its own fit, shape (k, n).
    """

    fitted: Floats
    leverage: Floats

    @property
    def edf(self) -> Floats:
        """Effective degrees of freedom, shape (k,)."""
        return np.asarray(self.leverage.sum(axis=1))

    def left_out(self, values: Floats) -> Floats:
        """Errors on each value by the fit without it, shape (k, n)."""
        return np.asarray((values - self.fitted) / np.maximum(1.0 - self.leverage, 1e-9))


def smooth(values: Floats, weights: Floats, gaps: Floats, memories: Floats) -> Smooths:
    """Smooths one series with several memories.

    Args:
        values: Shape (n,).
        weights: Shape (n,), positive.
        gaps: Distance from each value to the next in mean spacings, shape (n - 1,); infinite where the level jumps.
        memories: How far values reach, in mean spacings, shape (k,).
    """
    n = len(values)
    coupling = memories[None, :] ** 2 / np.maximum(gaps, LEAST_GAP)[:, None]
    padded = np.zeros((n + 1, len(memories)))
    padded[1:n] = coupling
    diagonal = weights[:, None] + padded[:-1] + padded[1:]
    down, up, fitted = np.empty_like(diagonal), np.empty_like(diagonal), np.empty_like(diagonal)
    moment = weights * values
    down[0], fitted[0] = diagonal[0], moment[0]
    for i in range(1, n):
        share = coupling[i - 1] / down[i - 1]
        down[i] = diagonal[i] - share * coupling[i - 1]
        fitted[i] = moment[i] + share * fitted[i - 1]
    up[-1] = diagonal[-1]
    fitted[-1] /= down[-1]
    for i in range(n - 2, -1, -1):
        up[i] = diagonal[i] - coupling[i] ** 2 / up[i + 1]
        fitted[i] = (fitted[i] + coupling[i] * fitted[i + 1]) / down[i]
    return Smooths(fitted.T, (weights[:, None] / (down + up - diagonal)).T)
