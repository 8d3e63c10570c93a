"""The interval of a median by the sign test, which asks nothing of the distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import stats


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Returns the two values between which the true median lies in at least 95 of 100 cases.

    Args:
        values: Independent values; fewer than six have no such interval, and both ends are nan.
    """
    ordered = sorted(values)
    outer = int(stats.binom.ppf(0.025, len(ordered), 0.5)) - 1  # so many and fewer on one side are rarer than 1 in 40
    return (ordered[outer], ordered[-1 - outer]) if outer >= 0 else (math.nan, math.nan)
