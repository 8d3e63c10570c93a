"""Columns that are parts of the latency: in some unit of time they add up to it, as the stages of a call do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwcost._stats import robust_sd
from hwcost._types import Floats

UNITS = (1.0, 1e-3, 1e-6, 1e-9)
"""Units of time, in seconds."""

LEAST_SHARE, MOST_SHARE = 0.02, 1.02
"""Typical share of the latency from which a column may be a part of it, and the largest share of a row."""

LEAST_WHOLE = 100
"""Typical value from which whole numbers may be times, such as microseconds; smaller ones count layers and the like."""

NEAR_ONE = 0.2
"""A part counts once: its coefficient lies within this distance of 1."""

MOST_CONSTANT = 0.2
"""Share of the latency at most that is a constant, such as the sum of parts that hardly vary."""

LEFT, LEFT_OF_SPREAD = 0.05, 0.2
"""Parts leave at most this share of the latency in nineteen of twenty rows, and this share of its spread (log)."""


def parts_of_latency(genes: Floats, latency_s: Floats, columns: Sequence[int]) -> list[int]:
    """Finds columns that add up to the latency, up to a constant.

    Args:
        genes: Encoded architectures, shape (n, genes).
        latency_s: Shape (n,), seconds.
        columns: Columns that may be parts.

    Returns:
        Indices of two of the columns or more, ascending; empty where none add up.
    """
    columns = [i for i in columns if np.median(genes[:, i]) >= LEAST_WHOLE or np.any(genes[:, i] != np.round(genes[:, i]))]
    spread, constant = robust_sd(np.log(latency_s)), latency_s.min() / latency_s
    for unit in UNITS:
        shares = genes[:, columns] * (unit / latency_s)[:, np.newaxis]
        is_possible = (shares.min(axis=0) >= 0) & (shares.max(axis=0) <= MOST_SHARE)
        possible = np.flatnonzero(is_possible & (np.median(shares, axis=0) >= LEAST_SHARE))
        if len(possible) < 2:
            continue
        from scipy.optimize import nnls  # which most tables do without

        weights, _ = nnls(np.column_stack([shares[:, possible], constant]), np.ones(len(shares)))
        parts = possible[np.abs(weights[:-1] - 1.0) <= NEAR_ONE]
        sums = shares[:, parts].sum(axis=1) + weights[-1] * constant
        off = float(np.quantile(np.abs(sums - 1.0), 0.95))
        if len(parts) < 2 or off > LEFT or weights[-1] * float(np.median(constant)) > MOST_CONSTANT:
            continue
        if robust_sd(np.log(sums)) <= LEFT_OF_SPREAD * spread:
            return [columns[i] for i in parts]
    return []
