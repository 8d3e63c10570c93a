"""Robust statistics that several packages need."""

from __future__ import annotations

import numpy as np

from hwcost._types import Floats

MAD_TO_SD = 1.4826
"""Median absolute deviation of normal noise times this is its standard deviation."""


def median_deviation(values: Floats) -> float:
    """Returns the robust standard deviation of values (n,) about zero: their median size, scaled for normal noise."""
    return MAD_TO_SD * float(np.median(np.abs(values)))
