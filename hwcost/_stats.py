"""Robust statistics and rank correlations that several packages need."""

from __future__ import annotations

import numpy as np

from hwcost._types import Floats

MAD_TO_SD = 1.4826
"""Standard deviation of normal noise, divided by its median absolute deviation."""


def median_deviation(values: Floats) -> float:
    """Returns the robust standard deviation of values (n,) about zero: their median size, scaled for normal noise."""
    return MAD_TO_SD * float(np.median(np.abs(values)))


def robust_sd(values: Floats) -> float:
    """Returns the robust standard deviation of values (n,) about their median; 0 for fewer than two values."""
    return median_deviation(values - np.median(values)) if len(values) > 1 else 0.0


def kendall_tau(first: Floats, second: Floats) -> float | None:
    """Returns Kendall's rank correlation (tau-b) of two series (n,); None where one of them never varies."""
    from scipy import stats

    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(stats.kendalltau(first, second).statistic)


def spearman(first: Floats, second: Floats) -> float | None:
    """Returns Spearman's rank correlation of two series (n,); None where one of them never varies."""
    from scipy import stats

    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(stats.spearmanr(first, second).statistic)
