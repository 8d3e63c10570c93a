"""Where a history of latencies changed: divisive estimation by energy distances, with a minimum effect.

The history is cut where the energy distance between both sides is largest, the sides are cut again, and so on, as long as a
t test on the two sides of a cut is significant at a generous level (:mod:`hwcost.history.cuts`). Cuts that do not survive
the wanted level, or change the latency by less than the minimum effect, are then taken back one by one, the least of them
first, because a cut that hides a small second one often looks weak before its neighbour is known. Where neighbouring nights
turn out to resemble each other, each cut is moved to its likeliest place (:mod:`hwcost.history.place`).

Sources: D. S. Matteson and N. A. James, A nonparametric approach for multiple change point analysis of multivariate data,
JASA 2014 (statistic and bisection); M. Fleming et al., Hunter: Using change point detection to hunt for performance
regressions, ICPE 2023 (t test in place of permutations, weak cuts first).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats
from hwcost.errors import UsageError
from hwcost.history.cuts import LEAST_NIGHTS, cuts_of, has_enough
from hwcost.history.place import correlation_of, steps_of
from hwcost.history.stretch import Stretch, effective
from hwcost.history.sums import Sums

__all__ = ["LEAST", "P_VALUE", "Change", "find_changes"]

LEAST = math.log(1.03)
"""Least log ratio of both sides of a change: 3 %."""

P_VALUE = 4e-3
"""Level of the t test that a change must survive: a lower one tells a change of 5 % from a noise of 2 % only after the
fourth night, a higher one finds changes in more than 3 % of quiet histories of 60 nights."""

WEAK = 10.0
"""Factor by which a cut may miss the level while others are looked for."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a history.

    Attributes:
        at: Index of the first value after it.
        earliest: Least index at which it may have begun, by the values alone.
        latest: Largest such index.
        log_ratio: Log of the mean after it over the mean before it, up to the neighbouring changes.
        p: Two-sided p value of the t test on both sides.
    """

    at: int
    earliest: int
    latest: int
    log_ratio: float
    p: float

    @property
    def ratio(self) -> float:
        """Latency after the change over latency before it; above 1 it is slower."""
        return math.exp(self.log_ratio)


def find_changes(
    log_values: Floats, weights: Floats | None = None, *, least: float = LEAST, p_value: float = P_VALUE
) -> tuple[Change, ...]:
    """Finds the changes of a history.

    Args:
        log_values: Log latencies in the order of their nights, shape (n,), without gaps.
        weights: Share of a full value that each counts as, above 0 and at most 1, shape (n,): the variance of a full value
            over its own; None for full ones.
        least: Least log ratio of a change.
        p_value: Level of the t test.

    Returns:
        The changes in order; empty for fewer than four values.

    Raises:
        UsageError: When a value is not finite, or a weight is out of bounds.
    """
    y = np.asarray(log_values, dtype=np.float64)
    weight = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not np.isfinite(y).all():
        at = int(np.flatnonzero(~np.isfinite(y))[0])
        raise UsageError(f"value {at} of the history is {y[at]}: leave nights without a latency out")
    if weight.shape != y.shape or not ((weight > 0) & (weight <= 1)).all():
        raise UsageError(f"expected {len(y)} weights above 0 and at most 1, got {weight.tolist()}")
    if len(y) < 2 * LEAST_NIGHTS:
        return ()
    sums = Sums(Stretch(y, weight))
    cuts = _lasting(sums, sorted(cuts_of(sums, 0, len(y), p_value * WEAK)), least, p_value)
    return tuple(_judged(sums, cuts))


def _lasting(sums: Sums, cuts: list[int], least: float, p_value: float) -> list[int]:
    """Takes back the cuts that do not last, the weakest first; what is known of a cut changes with its neighbours alone."""
    known: dict[tuple[int, ...], tuple[float, float]] = {}
    while cuts:
        edges = [0, *cuts, len(sums.history.y)]
        places = [(edges[k], edges[k + 1], edges[k + 2]) for k in range(len(cuts))]
        for place in places:
            if place not in known:
                known[place] = _told(sums, *place)
        p, size = ([known[place][which] for place in places] for which in (0, 1))
        if max(p) > p_value:
            del cuts[p.index(max(p))]
        elif min(size) < least:
            del cuts[size.index(min(size))]
        else:
            break
    return cuts


def _told(sums: Sums, first: int, cut: int, last: int) -> tuple[float, float]:
    """Returns the p value and the size of a cut between its neighbours."""
    return sums.p(first, cut, last), abs(sums.mean(cut, last) - sums.mean(first, cut))


def _judged(sums: Sums, cuts: list[int]) -> Iterator[Change]:
    """Yields the changes, each at its likeliest place between its neighbours."""
    history = sums.history
    correlation = _correlation(history, cuts) if cuts else 0.0
    if correlation:
        for k in range(len(cuts)):
            cuts[k] = _placed(history, cuts, k, correlation)
    edges = [0, *cuts, len(history.y)]
    for first, cut, last in zip(edges, edges[1:], edges[2:], strict=False):
        part = history.part(first, last)
        earliest, latest = steps_of(part, correlation).region(cut - first, effective(part.weight))
        size = sums.mean(cut, last) - sums.mean(first, cut)
        yield Change(cut, first + earliest, first + latest, size, sums.p(first, cut, last))


def _correlation(history: Stretch, cuts: Sequence[int]) -> float:
    """Returns how much neighbouring nights resemble each other between the cuts."""
    edges = [0, *cuts, len(history.y)]
    return correlation_of([history.part(a, b) for a, b in itertools.pairwise(edges)])


def _placed(history: Stretch, cuts: Sequence[int], k: int, correlation: float) -> int:
    """Returns the best place of a cut between its neighbours that leaves enough on either side."""
    edges = [0, *cuts, len(history.y)]
    part = history.part(edges[k], edges[k + 2])
    allowed = np.zeros(len(part.y) - 1, dtype=np.bool_)
    allowed[LEAST_NIGHTS - 1 : len(part.y) - LEAST_NIGHTS] = has_enough(part.weight)
    allowed[cuts[k] - edges[k] - 1] = True
    return edges[k] + steps_of(part, correlation).place(effective(part.weight), allowed)
