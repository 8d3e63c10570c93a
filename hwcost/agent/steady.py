"""Whether a run of blocks is steady; the rules of :mod:`hwcost.timing` and of the runner alike.

A window is steady when its two halves agree, its middle agrees with its ends, and it has no slope, all within a tolerance or
within what the blocks' own noise explains; so a noisy machine is not taken for a warming one, nor the crest of a swing for
rest.
"""

from __future__ import annotations

import itertools
import statistics
from typing import Optional, Sequence

WINDOW = 10
"""Blocks that are looked at together, unless a visit has fewer."""

FEW = 6
"""Number of blocks below which noise is estimated by a standard deviation, and not by a median."""

NOISE = 3.0
"""Standard errors that a difference must exceed before it counts."""

MEDIAN_TO_MEAN = 1.2533
"""Standard error of a median over that of a mean, for normal noise."""

MAD_TO_SD = 1.4826
"""Standard deviation of normal noise, divided by its median absolute deviation."""


def is_steady(window: Sequence[float], tolerance: float) -> bool:
    """Says whether blocks agree with each other from first to last.

    Args:
        window: Seconds per call, in the order measured; at least four.
        tolerance: Allowed relative difference of the halves, of middle and ends, and drift over the window.
    """
    half = len(window) // 2
    first, last = window[:half], window[-half:]
    edge = (len(window) - half) // 2
    middle, ends = window[edge : edge + half], [*window[:edge], *window[edge + half :]]
    centre = statistics.median(window)
    allowed = max(tolerance * centre, NOISE * MEDIAN_TO_MEAN * _spread(window) * (2 / half) ** 0.5)
    shift = abs(statistics.median(last) - statistics.median(first))
    bend = abs(statistics.median(middle) - statistics.median(ends))
    drift = abs(slope(window)) * (len(window) - 1)
    return bool(max(shift, bend, drift) <= allowed)


def first_steady(blocks: Sequence[float], tolerance: float, window: int = WINDOW) -> Optional[int]:
    """Returns where the last window, of at least four blocks, begins if it is steady, else None."""
    if len(blocks) < window or not is_steady(blocks[-window:], tolerance):
        return None
    return len(blocks) - window


def relative_error(samples: Sequence[float]) -> float:
    """Returns the standard error of the median as a share of it, from the median absolute deviation."""
    centre = statistics.median(samples)
    spread = MAD_TO_SD * statistics.median(abs(sample - centre) for sample in samples)
    return float(MEDIAN_TO_MEAN * spread / len(samples) ** 0.5 / centre)


def slope(values: Sequence[float]) -> float:
    """Returns the Theil-Sen slope per step: the median of all pairwise slopes."""
    pairs = itertools.combinations(enumerate(values), 2)
    return statistics.median((b - a) / (j - i) for (i, a), (j, b) in pairs)


def _spread(values: Sequence[float]) -> float:
    """Returns the noise from block to block, blind to slow drift: successive differences, by their median.

    The median of a few differences would be the drift itself, so of few blocks they are taken about their mean.
    """
    steps = [b - a for a, b in zip(values, values[1:])]
    if len(values) < FEW:
        return statistics.stdev(steps) / 2**0.5
    return float(MAD_TO_SD * statistics.median(map(abs, steps)) / 2**0.5)
