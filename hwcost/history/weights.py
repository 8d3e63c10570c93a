"""How much a night counts in its history: less where its value is unconfirmed, or its interval far wider than usual.

A value counts as the variance of a full night over its own: that of the nights, and beside it that of its error, which its
interval tells. So a value that may be off by 10 % neither hides a change of 5 % nor makes one, and many such values say
together what one of them cannot.

Source: inverse-variance weights, A. C. Aitken, On least squares and linear combination of observations, Proceedings of the
Royal Society of Edinburgh 55, 1936.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.history.trace import DIFFERENCE, LEAST_USUAL

__all__ = ["LEAST_WEIGHT", "night_weights"]

Z = 1.959964
"""Half-width of a 95 % interval in standard errors."""

LEAST_NOISE = 1e-4
"""Least standard deviation that is taken for the noise of nights."""

LEAST_WEIGHT = 1e-6


def night_weights(y: Floats, half: Floats, is_full: NDArray[np.bool_], level: Floats | float = 0.0) -> Floats:
    """Returns the weights of the values of one history.

    The noise of nights is that from one full value to the next; of all values where there are too few full ones.

    Args:
        y: Log values in the order of their nights, the common level taken out, shape (n,).
        half: Half-widths of their 95 % intervals, shape (n,); those of full values may be NaN.
        is_full: Whether each value counts in full, shape (n,).
        level: Half-widths of the common levels that were taken out, shape (n,); 0 where none was.

    Returns:
        Weights from 1e-6 to 1, shape (n,).
    """
    if is_full.all() and not np.any(level):
        return np.ones(len(y))
    full = y[is_full] if is_full.sum() >= LEAST_USUAL else y
    steps = np.abs(np.diff(full))
    noise = max(LEAST_NOISE, float(np.median(steps)) / DIFFERENCE if len(steps) else 0.0) ** 2
    error = np.where(is_full, 0.0, half / Z) ** 2 + (np.asarray(level) / Z) ** 2
    return np.asarray(np.maximum(noise / (noise + error), LEAST_WEIGHT))
