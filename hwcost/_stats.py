"""Robust statistics and rank correlations that several packages need."""

from __future__ import annotations

import numpy as np

from hwcost._types import Floats, Indices

MAD_TO_SD = 1.4826
"""Standard deviation of normal noise, divided by its median absolute deviation."""


def median_deviation(values: Floats) -> float:
    """Returns the robust standard deviation of values (n,) about zero: their median size, scaled for normal noise."""
    return MAD_TO_SD * float(np.median(np.abs(values)))


def robust_sd(values: Floats) -> float:
    """Returns the robust standard deviation of values (n,) about their median; 0 for fewer than two values."""
    return median_deviation(values - np.median(values)) if len(values) > 1 else 0.0


def kendall_tau(first: Floats, second: Floats) -> float | None:
    """Returns Kendall's rank correlation (tau-b) of two series (n,); None where one of them never varies.

    By counting the pairs in opposite order (W. R. Knight, A computer method for calculating Kendall's tau, 1966), since the
    import of ``scipy.stats`` alone takes longer than the fit of a lookup table.
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    (x, y), n = (np.unique(one, return_inverse=True)[1] for one in (first, second)), len(first)
    pairs, both = n * (n - 1) // 2, x * n + y
    tied_x, tied_y, tied = (_tied_pairs(one) for one in (x, y, both))
    balance = pairs - tied_x - tied_y + tied - 2 * _inversions(y[np.argsort(both, kind="stable")])
    return float(np.clip(balance / np.sqrt(pairs - tied_x) / np.sqrt(pairs - tied_y), -1.0, 1.0))


def _tied_pairs(numbers: Indices) -> int:
    counts = np.unique(numbers, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _inversions(numbers: Indices) -> int:
    """Counts the pairs of whole numbers (n,), not negative, of which the larger stands first; digit by binary digit."""
    found = 0
    for digit in range(int(numbers.max()).bit_length() - 1, -1, -1):
        above, is_one = numbers >> (digit + 1), (numbers >> digit) & 1
        ones = np.cumsum(is_one) - is_one
        ones_of_equal = ones - ones[np.searchsorted(above, above)]
        found += int(ones_of_equal[is_one == 0].sum())
        numbers = numbers[np.argsort(numbers >> digit, kind="stable")]
    return found


def spearman(first: Floats, second: Floats) -> float | None:
    """Returns Spearman's rank correlation of two series (n,); None where one of them never varies."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(ranks(first), ranks(second))[1, 0])


def ranks(values: Floats) -> Floats:
    """Returns the rank of each value (n,), from 1; equal ones share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places])
