"""Latencies that stand in coarse steps: those of a timer with few ticks a second, or rounded ones."""

from __future__ import annotations

import numpy as np

from hwcost._stats import different, median
from hwcost._types import Floats

FEWEST_ROWS, FEWEST_STEPS = 30, 2
"""Rows, and different latencies, below which equal distances say nothing."""

MOST_DIFFERENT = 0.5
"""Share of different latencies among the rows up to which they may stand in steps."""

COARSE = 0.1
"""Step, as a share of the median latency, from which it is a doubt: errors of half of it are no longer those of a model."""

OFF_STEP = 0.05
"""Share of a step by which a latency may lie beside a whole number of them, rounded as it was printed."""


def coarse_step(latency_s: Floats) -> float | None:
    """Returns the step in which latencies stand, where it is coarse; None where they stand in none, or in a fine one.

    Args:
        latency_s: Shape (n,), seconds.
    """
    levels = different(latency_s)
    if len(latency_s) < FEWEST_ROWS or not FEWEST_STEPS <= len(levels) <= MOST_DIFFERENT * len(latency_s):
        return None
    step = float(np.diff(levels).min())
    if step < COARSE * median(latency_s):
        return None
    counts = np.round(levels / step)
    steps = levels / np.maximum(counts, 1.0)
    exact = median(steps)
    return exact if bool((np.abs(levels - counts * exact) <= OFF_STEP * exact).all()) else None
