"""The von Neumann ratio: whether a series in order of measurement is noise, or moves.

It is computed from normal scores, the normal quantiles of the ranks, so that its critical value holds for any distribution:
spikes and clustered values do not count as drift, and a shifted block of only a few percent of the rows does.

Sources: J. von Neumann, Distribution of the ratio of the mean square successive difference to the variance, 1941;
R. Bartels, The rank version of von Neumann's ratio test for randomness, 1982; scores after van der Waerden, 1952.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from hwcost._stats import ranks, robust_sd
from hwcost._types import Floats

Z_1_PERCENT = 2.3263
MIN_ROWS = 10


def noise(values: Floats) -> float:
    """Returns the standard deviation from one value to the next, blind to anything slower; robust."""
    return robust_sd(np.diff(values)) / math.sqrt(2) if len(values) > 2 else 0.0


def von_neumann(values: Floats) -> float:
    """Compares how the normal scores of values differ from their neighbours' with how they differ at all.

    Args:
        values: Shape (n,), in the order measured.

    Returns:
        About 1 for noise, towards 0 for a moving level, towards 2 for alternation; 1 where there are too few values or
        they do not vary.
    """
    if len(values) < MIN_ROWS or np.ptp(values) == 0:
        return 1.0
    n, places = len(values), ranks(values)
    is_whole = bool((places % 1 == 0).all())
    scores = _scores(n)[places.astype(np.intp) - 1] if is_whole else _quantiles(places / (n + 1))
    return float((np.diff(scores) ** 2).sum() / (2.0 * ((scores - scores.mean()) ** 2).sum()))


@lru_cache(maxsize=4)
def _scores(n: int) -> Floats:
    """Returns the normal scores of the ranks from 1 to n, which a table's level is judged by several times."""
    return _quantiles(np.arange(1, n + 1) / (n + 1))


def _quantiles(shares: Floats) -> Floats:
    quantile = NormalDist().inv_cdf  # the import of scipy.special takes longer than many a fit
    return np.array([quantile(share) for share in shares.tolist()])


def critical(n: int) -> float:
    """Returns the value that noise of length n falls below in 1 % of all cases (normal approximation)."""
    if n < 3:
        return 0.0
    return 1.0 - Z_1_PERCENT * math.sqrt((n - 2) / (n * n - 1))
