"""Where a history of latencies changed: divisive estimation by energy distances, with a minimum effect.

The history is cut where the energy distance between both sides is largest, the sides are cut again, and so on, as long as a
t test on the two sides of a cut is significant at a generous level. Cuts that do not survive the wanted level, or change
the latency by less than the minimum effect, are then taken back one by one, the least of them first, because a cut that
hides a small second one often looks weak before its neighbour is known.

Sources: D. S. Matteson and N. A. James, A nonparametric approach for multiple change point analysis of multivariate data,
JASA 2014 (statistic and bisection); M. Fleming et al., Hunter: Using change point detection to hunt for performance
regressions, ICPE 2023 (t test in place of permutations, weak cuts first); D. Siegmund, Confidence sets in change-point
problems, International Statistical Review 1988 (the range in which a change began).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats
from hwcost.errors import UsageError

LEAST = math.log(1.03)
"""Least log ratio of both sides of a change: 3 %."""

P_VALUE = 4e-3
"""Level of the t test that a change must survive: a lower one tells a change of 5 % from a noise of 2 % only after the
fourth night, a higher one finds changes in more than 3 % of quiet histories of 60 nights."""

WEAK = 10.0
"""Factor by which a cut may miss the level while others are looked for."""

REGION = 7.35
"""Fall of twice the log likelihood at the edge of a 95 % region of a change's place: the root of
``(1 - exp(-x / 2))**2 = 0.95``, as a place has likelihoods on both sides to lose against."""

LEAST_NIGHTS = 2
"""Fewest values on either side of a change: a single one is an outlier until the next night."""


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


def find_changes(log_values: Floats, *, least: float = LEAST, p_value: float = P_VALUE) -> tuple[Change, ...]:
    """Finds the changes of a history.

    Args:
        log_values: Log latencies in the order of their nights, shape (n,), without gaps.
        least: Least log ratio of a change.
        p_value: Level of the t test.

    Returns:
        The changes in order; empty for fewer than four values.

    Raises:
        UsageError: When a value is not finite.
    """
    y = np.asarray(log_values, dtype=np.float64)
    if not np.isfinite(y).all():
        at = int(np.flatnonzero(~np.isfinite(y))[0])
        raise UsageError(f"value {at} of the history is {y[at]}: leave nights without a latency out")
    distances = np.abs(y[:, None] - y)
    sums = np.zeros((len(y) + 1, len(y) + 1))
    sums[1:, 1:] = distances.cumsum(0).cumsum(1)
    cuts = sorted(_cuts(y, sums, 0, len(y), p_value * WEAK))
    return tuple(_judged(y, sums, _lasting(y, cuts, least, p_value)))


def _cuts(y: Floats, sums: Floats, first: int, last: int, p_value: float) -> Iterator[int]:
    """Yields the cuts of a stretch of the history, divided again and again."""
    if last - first < 2 * LEAST_NIGHTS:
        return
    energy = _energy(sums, first, last)
    cut = first + LEAST_NIGHTS + int(np.argmax(energy))
    if _p(y[first:cut], y[cut:last]) > p_value:
        return
    yield cut
    yield from _cuts(y, sums, first, cut, p_value)
    yield from _cuts(y, sums, cut, last, p_value)


def _energy(sums: Floats, first: int, last: int) -> Floats:
    """Returns the scaled energy distance between both sides of every cut that leaves enough on either.

    Args:
        sums: Sums of the distances between all values before two indices, shape (n + 1, n + 1).
        first: Beginning of the stretch.
        last: Its end.
    """
    cut = np.arange(first + LEAST_NIGHTS, last - LEAST_NIGHTS + 1)
    before, after = (cut - first).astype(float), (last - cut).astype(float)
    left = sums[cut, cut] - 2 * sums[first, cut] + sums[first, first]
    right = sums[last, last] - 2 * sums[cut, last] + sums[cut, cut]
    between = sums[cut, last] - sums[cut, cut] - sums[first, last] + sums[first, cut]
    distance = 2 * between / (before * after) - left / (before * (before - 1)) - right / (after * (after - 1))
    return np.asarray(before * after / (before + after) * distance)


def _lasting(y: Floats, cuts: list[int], least: float, p_value: float) -> list[int]:
    """Takes back the cuts that do not last, the weakest first."""
    while cuts:
        sides = [_sides(y, cuts, k) for k in range(len(cuts))]
        p = np.array([_p(*both) for both in sides])
        size = np.array([abs(after.mean() - before.mean()) for before, after in sides])
        if (p > p_value).any():
            del cuts[int(np.argmax(p))]
        elif (size < least).any():
            del cuts[int(np.argmin(size))]
        else:
            break
    return cuts


def _sides(y: Floats, cuts: list[int], k: int) -> tuple[Floats, Floats]:
    edges = [0, *cuts, len(y)]
    return y[edges[k] : edges[k + 1]], y[edges[k + 1] : edges[k + 2]]


def _judged(y: Floats, sums: Floats, cuts: list[int]) -> Iterator[Change]:
    edges = [0, *cuts, len(y)]
    for k, cut in enumerate(cuts):
        before, after = _sides(y, cuts, k)
        earliest, latest = _range(y[edges[k] : edges[k + 2]], cut - edges[k])
        yield Change(
            cut, edges[k] + earliest, edges[k] + latest, float(after.mean() - before.mean()), _p(before, after)
        )


def _range(y: Floats, cut: int) -> tuple[int, int]:
    """Returns the least and largest index of the cuts whose likelihood is within a 95 % region of the best one's."""
    n = len(y)
    places = np.arange(1, n)
    total = np.append(0.0, np.cumsum(y - y.mean()))
    gain = total[places] ** 2 * n / (places * (n - places))
    rest = max(float(((y - y.mean()) ** 2).sum()) - float(gain[cut - 1]), 1e-300)
    near = places[gain >= gain[cut - 1] - rest * math.expm1(REGION / n)]
    return int(near.min()), int(near.max())


def _p(before: Floats, after: Floats) -> float:
    """Returns the two-sided p value of Student's t test on two sides with one variance; 0 where only the mean varies."""
    from scipy import special

    m, n = len(before), len(after)
    difference = float(after.mean() - before.mean())
    squares = float(((before - before.mean()) ** 2).sum() + ((after - after.mean()) ** 2).sum())
    if squares <= 0.0:
        return 0.0 if difference else 1.0
    t = abs(difference) / math.sqrt(squares / (m + n - 2) * (1 / m + 1 / n))
    return float(2.0 * special.stdtr(m + n - 2, -t))
