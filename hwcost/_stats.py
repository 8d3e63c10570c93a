"""Robust statistics and rank correlations that several packages need."""

from __future__ import annotations

import math

import numpy as np

from hwcost._types import Floats, Indices

MAD_TO_SD = 1.4826
"""Standard deviation of normal noise, divided by its median absolute deviation."""

MEDIAN_VARIANCE = 1.57
"""Variance of a median over that of a mean, for normal noise."""

DIGITS = 2.0**40
"""Multiple of a mantissa that is rounded to a whole number."""

TERMS = 10_000
"""Most pairs of terms of a continued fraction; a hundred are enough for any but the largest degrees of freedom."""

CONVERGED = 1e-15
"""Relative change by a term from which on no other one counts."""


def median(values: Floats) -> float:
    """Returns the median of values (n,), NaN beside a NaN or of none; ``np.median`` takes several times as long."""
    if not len(values):
        return math.nan
    left, right = (len(values) - 1) // 2, len(values) // 2
    parted = np.partition(values, (left, right, -1))  # what is NaN stands last
    return math.nan if np.isnan(parted[-1]) else float((parted[left] + parted[right]) / 2.0)


def different(values: Floats) -> Floats:
    """Returns the different values among some (n,), none of them NaN, ascending; ``np.unique`` may import masked arrays."""
    return np.array(sorted(set(values.tolist())), dtype=np.float64)


def quantile(values: Floats, share: float) -> float:
    """Returns a quantile of values (n,), none of them NaN, on the line between its neighbours, as ``np.quantile`` does."""
    place = share * (len(values) - 1)
    left = int(place)
    right = min(left + 1, len(values) - 1)
    parted = np.partition(values, (left, right))
    return float(parted[left] + (place - left) * (parted[right] - parted[left]))


def median_deviation(values: Floats) -> float:
    """Returns the robust standard deviation of values (n,) about zero: their median size, scaled for normal noise."""
    return MAD_TO_SD * median(np.abs(values))


def robust_sd(values: Floats) -> float:
    """Returns the robust standard deviation of values (n,) about their median; 0 for fewer than two values."""
    return median_deviation(values - median(values)) if len(values) > 1 else 0.0


def quantile_of_each(values: Floats, group: Indices, quantile: float) -> Floats:
    """Returns a quantile of the values of every group, shape (groups,), in time that grows with n log n.

    Args:
        values: Shape (n,).
        group: Number of each value's group, shape (n,), without gaps.
        quantile: Quantile, between 0 and 1.
    """
    ordered = values[np.argsort(group, kind="stable")]
    parts = np.split(ordered, np.cumsum(np.bincount(group))[:-1])
    return np.array([np.quantile(part, quantile) for part in parts])


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


def rounded(values: Floats) -> Floats:
    """Returns values (n,) rounded to twelve significant digits, so that those which differ by rounding errors are equal."""
    mantissas, exponents = np.frexp(values)
    return np.asarray(np.ldexp(np.round(mantissas * DIGITS) / DIGITS, exponents))


def ranks(values: Floats) -> Floats:
    """Returns the rank of each value (n,), from 1; equal ones share the mean of theirs. NaN for all beside a NaN."""
    if np.isnan(values).any():
        return np.full(len(values), np.nan)
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places])


def student_tails(t: float, freedom: float) -> float:
    """Returns the probability that Student's t lies further from zero than a value, on either side.

    It is the regularised incomplete beta function of ``freedom / 2`` and ``1 / 2``, by its continued fraction (W. J. Lentz,
    Generating Bessel functions in Mie scattering calculations, Applied Optics 15(3), 1976), since the import of
    ``scipy.special`` takes longer than the fit of a lookup table.

    Args:
        t: The value.
        freedom: Degrees of freedom, positive, whole or not.
    """
    share, rest = freedom / (freedom + t * t), t * t / (freedom + t * t)
    if share == 0 or rest == 0:
        return float(rest == 0)
    a, b = freedom / 2, 0.5
    front = a * math.log(share) + b * math.log(rest) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    if share < (a + 1) / (a + b + 2):
        return math.exp(front) * _beta_fraction(share, a, b) / a
    return 1.0 - math.exp(front) * _beta_fraction(rest, b, a) / b


def _beta_fraction(x: float, a: float, b: float) -> float:
    """Returns the continued fraction of the incomplete beta function (Abramowitz and Stegun, 26.5.8)."""
    over, under = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1))
    found = under
    for k in range(1, TERMS):
        for part in (
            k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k)),
            -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1)),
        ):
            over, under = 1.0 + part / over, 1.0 / (1.0 + part * under)
            found *= over * under
        if abs(over * under - 1.0) < CONVERGED:
            break
    return found
