"""How the timings of a workload move: whether they are steady, what came before, and whether they have a trend.

What the runner of a job folder decides by as well stands in :mod:`hwcost.agent.steady`.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from typing import Literal

from hwcost.agent.steady import FEW, WINDOW, first_steady, is_steady, relative_error, slope

__all__ = [
    "WINDOW", "classify", "first_steady", "is_steady", "relative_error", "slope", "trend", "trendless_from", "why_not",
]  # fmt: skip

Outcome = Literal["flat", "warm-up", "slowdown", "none"]

CLEAR_TREND = 0.05
"""Relative change of a workload beside the others, over the last half of its blocks, that makes it unsteady."""

CLEAR_Z = 3.5
"""Standard deviations of the Mann-Kendall statistic from which values have a trend."""

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
