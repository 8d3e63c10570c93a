"""Smooths a series that drifts like a random walk and jumps at given places.

The estimate minimises ``sum w (y - g)^2 + sum memory^2 / gap (g[i+1] - g[i])^2``: the posterior mean of a random walk, whose
weights on the neighbours fall like ``exp(-distance / memory)``. The system is tridiagonal, so fit, leverages and
leave-one-out errors cost time in proportion to n.

Source: J. Durbin and S. J. Koopman, Time Series Analysis by State Space Methods, 2012, section 2 (local level model).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats
from hwcost.levels.tridiagonal import solve

ALONE = 1e-9
"""Distance of a leverage from 1 below which a value alone tells its level: without it, nothing does."""

LEAST_GAP = 1e-3
"""Values closer to each other than this, in mean spacings, count as this far apart."""


@dataclass(frozen=True)
class Smooths:
    """One smooth per memory.

    Attributes:
        fitted: Smoothed values, shape (k, n).
        leverage: Share of each value in its own fit, shape (k, n).
    """

    fitted: Floats
    leverage: Floats

    @property
    def edf(self) -> Floats:
        """Effective degrees of freedom, shape (k,)."""
        return np.asarray(self.leverage.sum(axis=1))

    def left_out(self, values: Floats) -> Floats:
        """Errors on each value by the fit without it, shape (k, n); from zero where nothing else tells its level."""
        rest = 1.0 - self.leverage
        return np.where(rest < ALONE, values, (values - self.fitted) / np.maximum(rest, ALONE))


def smooth(values: Floats, weights: Floats, gaps: Floats, memories: Floats) -> Smooths:
    """Smooths one series with several memories.

    Args:
        values: Values in order, shape (n,).
        weights: Positive weight of each value, shape (n,).
        gaps: Distance from each value to the next in mean spacings, shape (n - 1,); infinite where the level jumps.
        memories: Reaches of the smooths in mean spacings, shape (k,).
    """
    coupling = memories[:, None] ** 2 / np.maximum(gaps, LEAST_GAP)[None, :]
    padded = np.zeros((len(memories), len(values) + 1))
    padded[:, 1:-1] = coupling
    diagonals = weights + padded[:, :-1] + padded[:, 1:]
    found = solve(diagonals, -coupling, np.broadcast_to(weights * values, diagonals.shape))
    return Smooths(found.values, weights * found.variance)
