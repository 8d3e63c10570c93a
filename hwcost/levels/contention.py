"""Separates blocks that saw an uncontended machine from blocks that something else slowed down, by their latencies alone.

On a shared machine a neighbour on the same core makes blocks tens of percent slower for seconds at a time, and no counter of
this machine shows it. Contention only ever slows, and the uncontended state is the same for all workloads. The log latency
of a block is therefore ``item + noise``, or ``item + noise + delay`` with an exponential delay, and the probability that a
block is uncontended follows from fitting both states at once (expectation maximisation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwcost._stats import median_deviation, quantile_of_each
from hwcost._types import Floats, Indices

SLOWER = 0.08
"""A block whose log latency exceeds its visit's lower quartile by this was slowed down."""

SHARE = 0.10
"""Share of slowed blocks from which a campaign counts as contended; drift between visits slows no block in this sense."""

START = 0.10
"""Quantile of an item's blocks where the search for its uncontended latency begins."""

PASSES = 200
LEAST_DELAY = 3.0
"""Mean delay in standard deviations of the noise, at the least; below that the two states cannot be distinguished."""

LEAST_NOISE = 1e-4


@dataclass(frozen=True, slots=True)
class Contention:
    """The two states of a campaign's machine.

    Attributes:
        uncontended: Probability that each block saw the uncontended machine, shape (n,).
        share: Mean of these probabilities.
        noise: Standard deviation of log latency in the uncontended state.
        delay: Mean log delay in the contended state.
        unseen: Standard deviation of the log time by which the machine may be quicker than in the state that is taken for
            the uncontended one; 0 where that state is evident.
    """

    uncontended: Floats
    share: float
    noise: float
    delay: float
    unseen: float = 0.0


def is_contended(y: Floats, visit: Indices) -> bool:
    """Says whether blocks of one visit saw different states of the machine too often for noise.

    Args:
        y: Log latency per block, shape (n,).
        visit: Index of each block's visit, shape (n,), without gaps.
    """
    return float((y > quantile_of_each(y, visit, 0.25)[visit] + SLOWER).mean()) >= SHARE


def fit_contention(y: Floats, item: Indices) -> Contention:
    """Fits the two states.

    Args:
        y: Log latency per block, shape (n,).
        item: Index of each block's item, shape (n,), without gaps.
    """
    n_items = int(item.max()) + 1
    level = quantile_of_each(y, item, START)
    excess = y - level[item]
    noise = max(LEAST_NOISE, median_deviation(excess[excess <= np.quantile(excess, 0.3)]))
    share, delay = 0.5, max(float(excess[excess > 0].mean()) if (excess > 0).any() else 0.0, LEAST_DELAY * noise)
    weight = np.ones(len(y))
    for _ in range(PASSES):
        calm = share * np.exp(-0.5 * (excess / noise) ** 2) / (noise * np.sqrt(2 * np.pi))
        slowed = np.where(excess > 0, (1 - share) * np.exp(-np.maximum(excess, 0) / delay) / delay, 0.0)
        weight = np.where(excess <= 0, 1.0, calm / np.maximum(calm + slowed, 1e-300))
        total = np.bincount(item, weight, n_items)
        level = np.bincount(item, weight * y, n_items) / np.maximum(total, 1e-300)
        excess = y - level[item]
        noise = max(LEAST_NOISE, float(np.sqrt((weight * excess**2).sum() / weight.sum())))
        share = float(np.clip(weight.mean(), 0.01, 0.99))
        slow = 1 - weight
        delay = max(float((slow * excess).sum() / max(slow.sum(), 1e-300)), LEAST_DELAY * noise)
    return Contention(weight, share, noise, delay)
