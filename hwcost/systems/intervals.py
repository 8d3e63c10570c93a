"""Intervals of what is compared: means over seeds or batches, and rank correlations over nets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95
"""Share of repetitions whose interval holds the true value."""
RESAMPLES = 1000
"""Number of bootstrap samples of a correlation."""
FEWEST = 4
"""Fewest nets whose correlation says anything."""


@dataclass(frozen=True)
class Interval:
    """A number with its 95 % interval.

    Attributes:
        value: The number.
        low: Lower end of the interval; None where there is too little to tell.
        high: Upper end of the interval, likewise None.
    """

    value: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        within = "" if self.low is None else f" ({self.low:.3g} to {self.high:.3g})"
        return f"{self.value:.3g}{within}"


def mean(values: Sequence[float]) -> Interval:
    """Returns the mean of independent repetitions, with Student's interval; no interval for one of them."""
    found = np.array(values, dtype=np.float64)
    middle = float(found.mean())
    if len(found) < 2:
        return Interval(middle, None, None)
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found)))
    return Interval(middle, middle - half, middle + half)


def ratio(over: Sequence[float], under: Sequence[float]) -> Interval:
    """Returns the geometric mean of the ratios of paired positive numbers, with the interval of their logarithms."""
    found = mean([float(np.log(one / other)) for one, other in zip(over, under, strict=True)])
    low, high = (None if end is None else float(np.exp(end)) for end in (found.low, found.high))
    return Interval(float(np.exp(found.value)), low, high)


def correlation(one: Sequence[float], other: Sequence[float], kind: str = "spearman") -> Interval | None:
    """Returns a correlation of two qualities of the same nets, with a bootstrap interval over nets.

    Args:
        one: First quality of every net.
        other: Second quality of every net.
        kind: ``spearman`` for ranks, ``pearson`` for values.

    Returns:
        The correlation; None for fewer than :data:`FEWEST` nets, and where a quality never varies.
    """
    pairs = np.array([one, other], dtype=np.float64)
    found = _coefficient(pairs, kind)
    if found is None:
        return None
    rng = np.random.default_rng(0)
    drawn = [pairs[:, rng.integers(pairs.shape[1], size=pairs.shape[1])] for _ in range(RESAMPLES)]
    known = [value for value in (_coefficient(sample, kind) for sample in drawn) if value is not None]
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(found, float(low), float(high))


def _coefficient(pairs: np.ndarray, kind: str) -> float | None:
    if pairs.shape[1] < FEWEST or not np.ptp(pairs, axis=1).all():
        return None
    ranked = stats.rankdata(pairs, axis=1) if kind == "spearman" else pairs
    return float(np.asarray(np.corrcoef(ranked))[0, 1])
