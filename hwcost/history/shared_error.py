"""How much of what the values of a night may be off is common to all of them.

Where a campaign could not tell the uncontended machine, all of its values may be off by as much, and mostly they are off
together. Beside the level that they have in common they scatter far less than their intervals say. How far is seen where a
night has several such values. The scatter is measured at its upper quartile, so that a workload in four may have changed,
and those that are off by more than most count.

Source: small-sample factor of a scatter about a fitted median, C. Croux and P. J. Rousseeuw, Time-efficient algorithms for
two highly robust estimators of scale, COMPSTAT 1992.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.history.weights import Z

__all__ = ["own_shares"]

LEAST_VALUES = 4
"""Vague values of a night from which they tell by themselves how far they scatter."""

LEAST_POOLED = 8
"""Vague values of several nights from which they tell it together; of fewer, the intervals are taken as they are."""

UPPER_QUARTILE = 1.150349
"""Upper quartile of the distances of normal draws from their mean, in standard deviations."""

FEW = 0.8
"""Number of values that fitting their middle takes away from a scatter."""


def own_shares(rest: Floats, half: Floats, is_full: NDArray[np.bool_]) -> Floats:
    """Returns the share of the half-widths of each night that is not common to its values.

    Args:
        rest: Log values less what is usual for their series and less the level of their night, shape (n_series, n_nights);
            NaN where there is none.
        half: Half-widths of their 95 % intervals, same shape.
        is_full: Whether each value counts in full, same shape.

    Returns:
        Shares from 0 to 1, shape (n_nights,). Nights of too few vague values have the share of all such nights together, or
        of all nights where these are too few as well; 1 where those are too few, and where no value is vague.
    """
    known = np.isfinite(rest)
    usual = _scatter(rest, known & is_full)
    usual = usual[np.isfinite(usual)]
    noise = float(np.median(usual)) if len(usual) else 0.0
    vague = known & ~is_full & np.isfinite(half)
    own = np.sqrt(np.maximum(_scatter(rest, vague) ** 2 - noise**2, 0.0))
    stated = [float(np.median(half[rows, night])) / Z if rows.any() else np.nan for night, rows in enumerate(vague.T)]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.minimum(own / np.array(stated), 1.0)
    few = np.where(vague.any(axis=0), _pooled(rest, half / Z, vague, noise), 1.0)
    return np.where(np.isfinite(shares), shares, few)


def _pooled(rest: Floats, error: Floats, vague: NDArray[np.bool_], noise: float) -> float:
    """Returns the share of the errors (n_series, n_nights) of nights that have too few vague values, by all their values."""
    few = vague & (vague.sum(axis=0) < LEAST_VALUES)
    pool = few if few.sum() >= LEAST_POOLED else vague
    if pool.sum() < LEAST_POOLED:
        return 1.0
    stated = error[pool]
    scatter = np.quantile(np.abs(rest[pool]) / stated, 0.75) / UPPER_QUARTILE
    return float(min(1.0, np.sqrt(max(0.0, scatter**2 - np.median(noise / stated) ** 2))))


def _scatter(rest: Floats, counted: NDArray[np.bool_]) -> Floats:
    """Returns the standard deviation of the values that count, by night; NaN for fewer than four of them."""
    found = np.full(rest.shape[1], np.nan)
    for night, rows in enumerate(counted.T):
        n = int(rows.sum())
        if n >= LEAST_VALUES:
            found[night] = np.quantile(np.abs(rest[rows, night]), 0.75) / UPPER_QUARTILE * n / (n - FEW)
    return found
