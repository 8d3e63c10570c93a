"""Intervals of imported values, where a tool measured in several processes or gives an interval of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Z_50, Z_95, Z_99 = 0.674490, 1.959964, 2.575829
"""Normal quantiles of two-sided 50 %, 95 % and 99 % intervals."""


def of_processes(means: Sequence[float]) -> float | None:
    """Returns the half-width of the 95 % interval of the mean log, of one value per process; None for fewer than two."""
    from scipy.special import stdtrit

    n = len(means)
    if n < 2:
        return None
    return float(stdtrit(n - 1, 0.975) * np.log(means).std(ddof=1) / math.sqrt(n))


def of_bounds(low: float | None, high: float | None, z: float = Z_95) -> float | None:
    """Returns the half-width of a 95 % interval on the log scale from the bounds of one with another level.

    Args:
        low: Lower bound; None or not positive where the tool found none.
        high: Upper bound.
        z: Normal quantile of the level of the bounds.
    """
    if low is None or high is None or not 0 < low <= high < math.inf:
        return None
    return math.log(high / low) / 2 * Z_95 / z
