"""Whether a run of blocks is steady.

A window is steady when its two halves agree, its middle agrees with its ends, and it has no slope, all within a tolerance or
within what the blocks' own noise explains; so a noisy machine is not taken for a warming one, nor the crest of a swing for
rest.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from typing import Literal

from hwcost._stats import MAD_TO_SD

Outcome = Literal["flat", "warm-up", "slowdown", "none"]

WINDOW = 10
"""Blocks that are looked at together, unless a visit has fewer."""

FEW = 6
"""Number of blocks below which noise is estimated by a standard deviation, and not by a median."""

NOISE = 3.0
"""Standard errors that a difference must exceed before it counts."""

CLEAR_TREND = 0.05
"""Relative change of a workload beside the others, over the last half of its blocks, that makes it unsteady."""

CLEAR_Z = 3.5
"""Standard deviations of the Mann-Kendall statistic from which values have a trend."""

MEDIAN_TO_MEAN = 1.2533
"""Standard error of a median over that of a mean, for normal noise."""


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


def first_steady(blocks: Sequence[float], tolerance: float, window: int = WINDOW) -> int | None:
    """Returns where the last window, of at least four blocks, begins if it is steady, else None."""
    if len(blocks) < window or not is_steady(blocks[-window:], tolerance):
        return None
    return len(blocks) - window


def trendless_from(logs: Sequence[float], tolerance: float) -> int | None:
    """Returns from where on a workload's blocks, spread over a round, have no clear trend of their own.

    Up to half of them are given up as warm-up, however small their trend; what is left may have a small one.

    Args:
        logs: Log seconds per call, what slowed others at the time taken out, in the order measured.
        tolerance: Relative change from the first to the last third that does not count as a trend.

    Returns:
        The index of the first block that counts; None where even the last half has a clear trend.
    """
    most = max(0, min(len(logs) // 2, len(logs) - FEW))
    for start in sorted({0, 1, 2, len(logs) // 8, len(logs) // 4, most}):
        if start <= most and abs(trend(logs[start:])) <= tolerance:
            return start
    return most if abs(trend(logs[most:])) <= CLEAR_TREND else None


def trend(values: Sequence[float]) -> float:
    """Returns the change from the first to the last third of values that rise or fall beyond doubt, else 0.

    The doubt is that of the Mann-Kendall test, which knows ranks only: values that jump between two states, at any times,
    are not taken for a trend. Eight values or fewer leave it.

    Source: Mann 1945, Econometrica 13(3); Kendall 1975, Rank Correlation Methods.
    """
    third = len(values) // 3
    rising = sum((b > a) - (b < a) for a, b in itertools.combinations(values, 2))
    n = len(values)
    if abs(rising) - 1 <= CLEAR_Z * (n * (n - 1) * (2 * n + 5) / 18) ** 0.5:
        return 0.0
    return statistics.median(values[-third:]) - statistics.median(values[:third])


def classify(warmup: Sequence[float], steady: Sequence[float], tolerance: float) -> Outcome:
    """Names what happened before the steady state.

    Returns:
        ``flat`` when it was steady from the start, ``warm-up`` when it got faster first, ``slowdown`` when it got slower,
        ``none`` when it never became steady.
    """
    if not steady:
        return "none"
    if not warmup:
        return "flat"
    before, after = statistics.median(warmup), statistics.median(steady)
    if abs(before - after) <= tolerance * after:
        return "flat"
    return "warm-up" if before > after else "slowdown"


def why_not(blocks: Sequence[float], tolerance: float, window: int = WINDOW) -> tuple[str, float]:
    """Describes blocks that never became steady, by their last window.

    Args:
        blocks: Seconds per call, in the order measured; at least two.
        tolerance: Relative drift over the window below which it goes nowhere.
        window: Number of blocks in the window.

    Returns:
        The trend in words (``still getting quicker``, ``still getting slower``, ``swinging``), and the relative slope per
        block.
    """
    last = blocks[-window:]
    relative = slope(last) / statistics.median(last)
    if abs(relative) * (len(last) - 1) <= tolerance:
        return "swinging", relative
    return ("still getting quicker" if relative < 0 else "still getting slower"), relative


def slope(values: Sequence[float]) -> float:
    """Returns the Theil-Sen slope per step: the median of all pairwise slopes."""
    pairs = itertools.combinations(enumerate(values), 2)
    return statistics.median((b - a) / (j - i) for (i, a), (j, b) in pairs)


def relative_error(samples: Sequence[float]) -> float:
    """Returns the standard error of the median as a share of it, from the median absolute deviation."""
    centre = statistics.median(samples)
    spread = MAD_TO_SD * statistics.median(abs(sample - centre) for sample in samples)
    return float(MEDIAN_TO_MEAN * spread / len(samples) ** 0.5 / centre)


def _spread(values: Sequence[float]) -> float:
    """Returns the noise from block to block, blind to slow drift: successive differences, by their median.

    The median of a few differences would be the drift itself, so of few blocks they are taken about their mean.
    """
    steps = [b - a for a, b in itertools.pairwise(values)]
    if len(values) < FEW:
        return statistics.stdev(steps) / 2**0.5
    return float(MAD_TO_SD * statistics.median(map(abs, steps)) / 2**0.5)
