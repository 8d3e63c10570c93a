"""Whether timings fall into separate groups: the blocks of one visit, or the visits of one workload.

A bimodal latency is two latencies, and no single number describes it. An empty gap separates the groups.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from hwcost._stats import MAD_TO_SD
from hwcost.timing.steady import relative_error
from hwcost.units import format_seconds

LEAST_SHARE = 0.05
"""Share of the samples from which a group counts; a rarer one is an outlier."""

LEAST_SAMPLES = 3
MIN_SAMPLES = 10
"""Samples below which nothing is said about one visit."""

GAP_STEPS = 8.0
"""Gap between two groups, in usual distances between neighbours."""

GAP_SPREADS = 3.0
"""The same, in standard deviations within the groups."""

LEAST_GAP = 0.01
"""The same, relative to the median; smaller ones are of no consequence."""

MIN_VISITS = 5
"""Visits of one workload below which bands and chance look alike."""

SMALLEST_BAND = 2

LEAST_PROCESSES = 3
"""Processes of one workload from which one of them can lie apart from others that agree."""

GAP_NOISES = 6.0
"""Gap between bands in the standard deviations by which processes usually differ."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One group of timings.

    Attributes:
        latency_s: Its median, in seconds per call.
        share: Share of the timings in it.
    """

    latency_s: float
    share: float

    def __str__(self) -> str:
        return f"{format_seconds(self.latency_s)} ({100 * self.share:.0f} %)"


def modes(samples: Sequence[float]) -> list[Mode]:
    """Splits the blocks of one visit into two groups where an empty gap lies between them.

    Args:
        samples: Seconds per call of every block.

    Returns:
        The quicker and the slower group; empty where there is only one.
    """
    n = len(samples)
    least = max(LEAST_SAMPLES, math.ceil(LEAST_SHARE * n))
    if n < max(MIN_SAMPLES, 2 * least):
        return []
    ordered = sorted(samples)
    split, gap = _widest(ordered, least)
    steps = [b - a for a, b in itertools.pairwise(ordered)]
    usual = (sum(steps) - gap) / (len(steps) - 1)
    low, high = ordered[:split], ordered[split:]
    needed = max(LEAST_GAP * ordered[n // 2], GAP_STEPS * usual, GAP_SPREADS * max(_spread(low), _spread(high)))
    return _named(low, high) if gap > needed else []


def bands(visits: Sequence[Sequence[float]]) -> list[Mode]:
    """Splits the visits of one workload into two bands: processes that agree within, and with none of the others.

    Memory layout differs from process to process, so a workload can be quick in some and slow in others.

    Args:
        visits: Samples of each visit (a process of its own), in seconds per call, the machine's level taken out.

    Returns:
        The quicker and the slower band; empty where there are fewer than five visits, or one band.
    """
    if len(visits) < MIN_VISITS:
        return []
    medians = sorted(statistics.median(samples) for samples in visits)
    within = statistics.median(relative_error(samples) * len(samples) ** 0.5 for samples in visits)
    split, gap = _widest(medians, SMALLEST_BAND)
    low, high = medians[:split], medians[split:]
    needed = max(LEAST_GAP, GAP_SPREADS * within) * medians[len(medians) // 2]
    return _named(low, high) if gap > max(needed, GAP_SPREADS * max(high[-1] - high[0], low[-1] - low[0])) else []


def bands_beyond(latencies_s: Sequence[float], noise: float) -> list[Mode]:
    """Splits the processes that measured one workload where they lie apart by far more than those of other workloads.

    What the processes of all workloads scatter tells bands from chance however few there are of one, and a single process
    may be a band.

    Args:
        latencies_s: Latency of the workload in each process, in seconds per call, the machine's level taken out.
        noise: Usual standard deviation of such a latency, on the log scale.

    Returns:
        The quicker and the slower band; empty where there is one, or where there are fewer than three processes.
    """
    if len(latencies_s) < LEAST_PROCESSES or not noise > 0:
        return []
    ordered = sorted(latencies_s)
    split, gap = _widest(ordered, 1)
    low, high = ordered[:split], ordered[split:]
    needed = max(LEAST_GAP, GAP_NOISES * noise) * ordered[len(ordered) // 2]
    return _named(low, high) if gap > max(needed, GAP_SPREADS * max(high[-1] - high[0], low[-1] - low[0])) else []


def _widest(ordered: Sequence[float], least: int) -> tuple[int, float]:
    """Returns where the widest gap ends and how wide it is, with at least so many values on either side."""
    split = max(range(least, len(ordered) - least + 1), key=lambda i: ordered[i] - ordered[i - 1])
    return split, ordered[split] - ordered[split - 1]


def _spread(values: Sequence[float]) -> float:
    centre = statistics.median(values)
    return MAD_TO_SD * statistics.median(abs(value - centre) for value in values)


def _named(low: Sequence[float], high: Sequence[float]) -> list[Mode]:
    total = len(low) + len(high)
    return [Mode(statistics.median(group), len(group) / total) for group in (low, high)]
