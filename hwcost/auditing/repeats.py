"""Architectures that were measured more than once, and latencies that stand under more than one label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._stats import median_deviation
from hwcost._types import Floats, Indices

FEWEST_PAIRS = 3
"""Repeats below which their spread is unknown."""

WINDOW, DISTINCT = 10, 5
"""Successive latencies, so many of them different, that never agree to the last digit by chance."""

DISAGREEING, LEAST_DISAGREEING = 6.0, 0.2
"""Repeats disagree that differ by so many robust standard deviations, and by so much in log latency."""

SHARED = 0.5
"""Share of a table's windows that another table also holds, from which the two are the same measurements."""


@dataclass(frozen=True)
class Repeats:
    """Rows whose architecture has been there before.

    Attributes:
        earlier: The previous row of the same architecture, shape (k,).
        later: The row that repeats it, shape (k,).
        is_copy: Whether the latencies are the same to the last digit, shape (k,).
    """

    earlier: Indices
    later: Indices
    is_copy: NDArray[np.bool_]

    def spread(self, log_latency: Floats) -> float | None:
        """Returns the robust standard deviation of the log ratio of repeats that are not copies; None with too few."""
        ratios = (log_latency[self.later] - log_latency[self.earlier])[~self.is_copy]
        return median_deviation(ratios) if len(ratios) >= FEWEST_PAIRS else None

    def disagreeing(self, log_latency: Floats, noise: float) -> tuple[tuple[int, int, float], ...]:
        """Returns the pairs whose latencies differ far more than repeats do: earlier row, later row, ratio of latencies.

        Args:
            log_latency: Without the level, shape (n,).
            noise: Standard deviation of a single row, used where there are too few repeats to estimate how they differ.
        """
        ratios = log_latency[self.later] - log_latency[self.earlier]
        typical = self.spread(log_latency)
        limit = max(DISAGREEING * (math.sqrt(2) * noise if typical is None else typical), LEAST_DISAGREEING)
        pairs = zip(self.earlier.tolist(), self.later.tolist(), np.exp(ratios).tolist(), strict=True)
        return tuple(pair for pair, ratio in zip(pairs, ratios, strict=True) if abs(ratio) > limit)


def find_repeats(item: Indices, latency_s: Floats) -> Repeats:
    """Finds repeated architectures.

    Args:
        item: Index of each row's architecture, shape (n,).
        latency_s: Shape (n,), seconds.
    """
    order = np.argsort(item, kind="stable")
    is_same = item[order][1:] == item[order][:-1]
    earlier, later = order[:-1][is_same], order[1:][is_same]
    return Repeats(earlier, later, latency_s[earlier] == latency_s[later])


def hold_the_same(one: Floats, other: Floats) -> bool:
    """Whether two columns of latencies are the same measurements, in whole or for the most part of the shorter one.

    Args:
        one: Shape (n,).
        other: Shape (m,).
    """
    if len(one) == len(other) and len(one) > 1 and np.array_equal(one, other):
        return True
    shorter, longer = sorted((one.tolist(), other.tolist()), key=len)
    windows = _windows(shorter)
    return bool(windows) and len(windows & _windows(longer)) >= SHARED * len(windows)


def _windows(latency_s: Sequence[float]) -> set[tuple[float, ...]]:
    found = (tuple(latency_s[i : i + WINDOW]) for i in range(len(latency_s) - WINDOW + 1))
    return {window for window in found if len(set(window)) >= DISTINCT}
