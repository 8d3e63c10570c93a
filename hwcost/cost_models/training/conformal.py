"""The conformal quantile: what covers a wanted share of new architectures, from errors on architectures left out.

Every architecture counts once, however often it was measured (Vovk 2015; Dunn, Wasserman and Ramdas 2022, for two-layer
data). Too few of them have no such number, and none is made up.
"""

from __future__ import annotations

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.features.groups import Groups

LEVEL = 0.90

MIN_ROWS = 10
"""Below so many different architectures no interval is given."""

ROUNDING = 1e-9
"""Architectures by which sums of shares, such as three thirds, may fall short of whole numbers."""


def quantile(scores: Floats, level: float = LEVEL, groups: Groups | None = None) -> float | None:
    """Returns the conformal quantile: the smallest score that ``(n + 1) * level`` of n architectures do not exceed.

    Args:
        scores: Scores of the rows, shape (n,).
        level: Wanted share of architectures.
        groups: The architectures of the rows, each of which counts 1; None when every row is one of its own.

    Returns:
        None when n is too small.
    """
    n = len(scores) if groups is None else len(groups)
    wanted = (n + 1) * level - ROUNDING
    if n < MIN_ROWS or wanted > n:
        return None
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(np.ones(n) if groups is None else groups.shares[order])
    return float(scores[order][min(int(np.searchsorted(reached, wanted)), len(scores) - 1)])
